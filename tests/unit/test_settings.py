"""What the environment says, and secrets that do not show themselves."""

import copy
import json
import pickle
from pathlib import Path

import msgspec
import pytest

from modelyard.errors import InvalidValueError
from modelyard.settings import Secret, Settings

HIDDEN = "open-sesame"


@pytest.mark.parametrize("value", ["yes", "true", "2", " "])
def test_a_bad_setting_names_the_variable_and_the_value(value: str) -> None:
    with pytest.raises(InvalidValueError, match=f"MODELYARD_OFFLINE='{value}'.*1 or 0"):
        Settings.read({"MODELYARD_OFFLINE": value})


@pytest.mark.parametrize(("value", "offline"), [("", False), ("0", False), ("1", True)])
def test_a_flag_is_read(value: str, offline: bool) -> None:
    assert Settings.read({"MODELYARD_OFFLINE": value}).offline is offline


def test_folders_follow_the_home_then_the_standard_then_our_own_variables() -> None:
    given = {"HOME": "/u"}
    assert Settings.read(given).home == Path("/u/.local/share/modelyard")
    given |= {"XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c"}
    assert (Settings.read(given).home, Settings.read(given).cache) == (Path("/d/modelyard"), Path("/c/modelyard"))
    given |= {"MODELYARD_HOME": "/m", "MODELYARD_CACHE": "/n"}
    assert (Settings.read(given).home, Settings.read(given).cache) == (Path("/m"), Path("/n"))


def test_an_empty_variable_is_as_good_as_none() -> None:
    names = ("MODELYARD_WORKSPACE", "MODELYARD_TOKEN", "MODELYARD_RUN", "AZUREML_MODEL_DIR")
    read = Settings.read(dict.fromkeys(names, ""))
    assert (read.workspace, read.token, read.run, read.model_dir) == (None, None, None, None)


def test_a_secret_hides_itself_in_text() -> None:
    settings = Settings.read({"MODELYARD_TOKEN": HIDDEN})
    secret = settings.token
    assert secret is not None
    assert secret.reveal() == HIDDEN
    assert all(HIDDEN not in text for text in (repr(secret), str(secret), f"{secret}", repr(settings)))


def test_a_secret_is_not_written_as_json() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret(HIDDEN))
    with pytest.raises(TypeError):
        json.dumps(Secret(HIDDEN))


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="does not leave its process"):
        pickle.dumps(Secret(HIDDEN))


def test_a_secret_can_be_copied() -> None:
    assert copy.deepcopy(Secret(HIDDEN)).reveal() == HIDDEN
