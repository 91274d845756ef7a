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


def test_a_misspelt_variable_is_refused_with_the_nearest_and_without_its_value():
    with pytest.raises(SettingError) as caught:
        read_settings(["folder"], {PREFIX + "KEYY": "a-secret"})
    assert str(caught.value) == (
        "MODELYARD_SCORING_KEYY is not a setting. Did you mean MODELYARD_SCORING_KEY? modelyard-score --help has all."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--debug", "--reload"], "--debug (MODELYARD_SCORING_DEBUG) is 'on'. Allowed: one worker, without --reload."),
        (
            ["--tls-cert-file", "c.pem"],
            "--tls-key-file is not given. Allowed: a path with --tls-cert-file, none without it.",
        ),
        (["--reload=1"], "--reload is '1'. Allowed: on or off."),
    ],
)
def test_what_does_not_go_together_is_said_in_words(options, said):
    with pytest.raises(SettingError) as caught:
        read_settings(["folder", *options], {})
    assert str(caught.value) == said


def test_an_option_that_is_on_or_off_takes_either_word():
    assert read_settings(["--reload", "folder"], {}).reload == "on"
    assert read_settings(["--reload=on", "folder"], {}).reload == "on"
    assert read_settings(["folder", "--reload=off"], {PREFIX + "RELOAD": "on"}).reload == "off"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_other_hosts_than_loopback_need_keys(host):
    with pytest.raises(SettingError, match="--keys-file"):
        read_settings(["folder", "--host", host], {})
    assert read_settings(["folder", "--host", host, "--keys-file", "keys.json"], {}).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_keys(host):
    assert read_settings(["folder", "--host", host], {}).host == host
