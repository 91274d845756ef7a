"""A known failure says what to do."""

from pathlib import Path

import pytest

from modelyard.images.trials.hints import Failure, hint_for, innermost


def hint(kind: str, message: str, exit_status: int | None = None, said: str = "") -> str:
    return hint_for(Failure(phase="init", type=kind, message=message, exit_status=exit_status, hint=said))


@pytest.mark.parametrize(
    ("module", "package"),
    [("sklearn", "scikit-learn"), ("cv2", "opencv-python-headless"), ("PIL.Image", "pillow"), ("yaml", "pyyaml")],
)
def test_a_missing_module_names_its_package(module: str, package: str) -> None:
    assert f"Declare the package {package} " in hint("ModuleNotFoundError", f"No module named '{module}'")


def test_a_module_that_is_not_known_is_most_likely_called_as_its_package() -> None:
    assert "most likely my-lib" in hint("ModuleNotFoundError", "No module named 'my_lib'")


@pytest.mark.parametrize("kind", ["ImportError", "OSError"])
@pytest.mark.parametrize(("library", "package"), [("libgomp.so.1", "libgomp1"), ("libGL.so.1", "libgl1")])
def test_a_missing_library_names_its_debian_package(kind: str, library: str, package: str) -> None:
    message = f"{library}: cannot open shared object file: No such file or directory"

    assert f"Debian package {package} " in hint(kind, message)


def test_a_library_that_is_not_known_says_how_to_find_it() -> None:
    assert "apt-file search libown.so.3" in hint("OSError", "libown.so.3: cannot open shared object file: No such file")


def test_a_library_of_a_driver_has_no_package() -> None:
    assert "driver" in hint("ImportError", "libcuda.so.1: cannot open shared object file: No such file or directory")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("PermissionError", "[Errno 13] Permission denied: '/model/code/x'"),
        ("OSError", "[Errno 30] Read-only file system: '/model/code/x'"),
    ],
)
def test_a_place_that_is_read_only_says_where_to_write(kind: str, message: str) -> None:
    assert hint(kind, message).endswith("write under /tmp in place of /model/code/x.")


def test_a_file_of_this_machine_is_told_apart_from_one_that_is_nowhere(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").touch()
    message = "[Errno 2] No such file or directory: '{}'"

    assert "is on this machine" in hint("FileNotFoundError", message.format(tmp_path / "model.pkl"))
    assert "AZUREML_MODEL_DIR" in hint("FileNotFoundError", message.format(tmp_path / "none.pkl"))
    assert "folder of the code" in hint("FileNotFoundError", message.format("model.pkl"))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-11, "compiled code"),
        (-4, "processor lacks"),
        (-7, "/dev/shm"),
        (-9, "Something else killed it"),
        (3, "os._exit"),
    ],
)
def test_an_exit_status_says_what_to_do(status: int, said: str) -> None:
    assert said in hint("ScriptDiedError", "The process of the script died.", status)


def test_what_the_server_said_stays_where_no_more_is_known() -> None:
    assert hint("ValueError", "bad", said="as the server said") == "as the server said"


def test_what_the_code_raised_takes_the_place_of_what_the_server_says_of_it() -> None:
    text = "The script failed with ValueError. The log of the service says more under this request's id."
    trace = 'Traceback\n  File "score.py", line 2, in run\nValueError: first\nsecond\n'
    failure = Failure(phase="warm-up", type="ScriptFailedError", message=text, traceback=trace)

    assert (innermost(failure).type, innermost(failure).message) == ("ValueError", "first\nsecond")


def test_what_the_server_says_stays_where_there_is_no_traceback() -> None:
    failure = Failure(phase="warm-up", type="ScriptFailedError", message="The script failed with ValueError. The log")

    assert innermost(failure) == failure
