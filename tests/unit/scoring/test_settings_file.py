"""A file of settings says what options and variables do not."""

import json

import pytest

from modelyard_scoring.errors import SettingError
from modelyard_scoring.settings import PREFIX, read_settings


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.toml", 'workers = 3\nbody_timeout = 2.5\ncors_origins = ["https://a.example", "https://b.example"]'),
        (
            "s.json",
            json.dumps({"workers": 3, "body_timeout": "2.5", "cors_origins": "https://a.example,https://b.example"}),
        ),
    ],
)
def test_values_are_read_as_options_are(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    settings = read_settings(["folder", "--settings-file", str(tmp_path / name)], {})
    assert (settings.workers, settings.body_timeout, settings.port) == (3, 2.5, 8080)
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_variables_win_over_the_file_and_options_over_both(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text("port = 1000\nworkers = 3\nmax_headers = 7")
    environ = {PREFIX + "SETTINGS_FILE": str(file), PREFIX + "PORT": "2000", PREFIX + "WORKERS": "4"}
    settings = read_settings(["folder", "--port", "3000"], environ)
    assert (settings.port, settings.workers, settings.max_headers) == (3000, 4, 7)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("worker = 3", "the name 'worker'"),
        ("workers = 0", "workers in the settings file is '0'"),
        ("workers = {a = 1}", "another value for 'workers'"),
        ("workers = true", "is 'true'"),
        ("settings_file = 'other'", "the name 'settings_file'"),
        ("= 3", "cannot be understood"),
        ("\xff", "is not one of|cannot be understood"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, content, said):
    (tmp_path / "s.toml").write_text(content)
    with pytest.raises(SettingError, match=said):
        read_settings(["folder", "--settings-file", str(tmp_path / "s.toml")], {})


@pytest.mark.parametrize("content", ["[]", "{", "5"])
def test_json_is_an_object(tmp_path, content):
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(SettingError, match=r"s\.json (holds no table|cannot be understood)"):
        read_settings(["folder", "--settings-file", str(tmp_path / "s.json")], {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"none\.toml cannot be read: No such file"):
        read_settings(["folder", "--settings-file", str(tmp_path / "none.toml")], {})
