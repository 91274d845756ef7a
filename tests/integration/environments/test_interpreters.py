import sys

import pytest

from modelyard.environments.cache import EnvironmentCache
from modelyard.environments.errors import InterpreterFailedError, InterpreterNotFoundError
from modelyard.environments.interpreters import find_interpreter, from_existing
from modelyard.environments.platforms import running_python
from modelyard.environments.recording import lock_running
from modelyard.environments.uv_program import Uv


def test_the_running_interpreter_is_specified_version_by_version():
    spec = from_existing()
    installed = {p.name: p for p in lock_running().packages}
    asked_for = dict(text.split("==") for text in spec.requirements)
    assert asked_for == {n: p.version for n, p in installed.items() if not p.local and n != "pip"}
    assert spec.python == running_python()


def test_local_packages_are_left_out_with_a_note():
    assert any(note.startswith("modelyard==") and "private wheel" in note for note in from_existing().notes)


def test_packages_can_be_left_out():
    assert not any(text.startswith("pytest==") for text in from_existing(leave_out=["PyTest"]).requirements)


def test_another_interpreter_is_specified(tmp_path, small_lock):
    environment = EnvironmentCache(tmp_path).realise(small_lock)
    spec = from_existing(environment / "bin" / "python", name="small")
    assert spec.requirements == ("iniconfig==2.1.0", "six==1.17.0")
    assert (spec.name, spec.python) == ("small", "3.11")


@pytest.mark.parametrize(
    "script", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n", "#!/bin/sh\necho no >&2; exit 1\n"]
)
def test_what_is_not_an_interpreter_is_refused(tmp_path, script):
    path = tmp_path / "python"
    path.write_text(script)
    path.chmod(0o755)
    with pytest.raises(InterpreterFailedError, match="did not list its packages"):
        from_existing(path)


def test_an_interpreter_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InterpreterFailedError):
        from_existing(tmp_path / "absent")


def test_the_running_interpreter_serves_its_own_version():
    assert str(find_interpreter(running_python(), Uv())) == sys.executable


def test_a_version_that_is_not_here_is_refused_without_a_download():
    with pytest.raises(InterpreterNotFoundError, match=r"uv python install 3\.7"):
        find_interpreter("3.7", Uv())
