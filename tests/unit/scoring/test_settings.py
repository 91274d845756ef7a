"""Settings come from options and variables, and say what is allowed."""

import pytest

from modelyard_scoring.errors import SettingError
from modelyard_scoring.settings import OPTIONS, PREFIX, read_settings


def test_defaults_are_on_loopback():
    settings = read_settings(["folder"], {})
    assert (settings.host, settings.port, settings.workers, settings.keys_file) == ("127.0.0.1", 8080, 1, None)


def test_an_option_wins_over_its_variable():
    environ = {PREFIX + "PORT": "9000", PREFIX + "WORKERS": "3"}
    settings = read_settings(["folder", "--port", "9001"], environ)
    assert (settings.port, settings.workers) == (9001, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "8080.0"),
        ("port", "٣"),
        ("workers", "0"),
        ("workers", "many"),
        ("host", "example"),
        ("run_in", "process"),
        ("access_log", "yes"),
        ("header_timeout", "nan"),
        ("header_timeout", "0"),
        ("idle_timeout", "inf"),
        ("keys_file", ""),
        ("allowed_hosts", "a b"),
        ("allowed_hosts", "a,,b"),
        ("allowed_hosts", "http://a"),
        ("cors_origins", "shop.example"),
        ("cors_origins", "https://shop.example/"),
        ("cors_origins", "https://a.example\r\nx: y"),
    ],
)
def test_a_bad_value_names_variable_value_and_what_is_allowed(name, value):
    variable = PREFIX + name.upper()
    with pytest.raises(SettingError) as caught:
        read_settings(["folder"], {variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)
    assert next(option.allowed for option in OPTIONS if option.name == name) in str(caught.value)


def test_a_misspelt_variable_is_refused():
    with pytest.raises(SettingError, match="MODELYARD_SCORING_WORKER "):
        read_settings(["folder"], {PREFIX + "WORKER": "2"})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_other_hosts_than_loopback_need_keys(host):
    with pytest.raises(SettingError, match="--keys-file"):
        read_settings(["folder", "--host", host], {})
    assert read_settings(["folder", "--host", host, "--keys-file", "keys.json"], {}).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_keys(host):
    assert read_settings(["folder", "--host", host], {}).host == host
