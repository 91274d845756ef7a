"""What was touched is compared with what the image declares and holds."""

from pathlib import Path

import pytest

from modelyard.environments.lock import Lock, LockedPackage
from modelyard.images.trials.judgement import Declared, Place, judge
from modelyard.images.trials.touched import Imported, Interpreter, Touched

PLACE = Place(folder=Path("/tmp/folder"), server=Path("/cache/server"), home=Path("/tmp/trial/own"))
PYTHON = Interpreter(version="3.11", prefix="/cache/environments/a", standard_library=("/usr/local/lib/python3.11",))


def lock(*names: str) -> Lock:
    packages = tuple(LockedPackage(name=name, version="1") for name in names)
    return Lock(kind="recorded", platform="linux", python="3.11", packages=packages)


def imported(distribution: str, by: str = "/tmp/folder/code/score.py", module: str = "m") -> Imported:
    return Imported(distribution=distribution, version="1", module=module, by=by)


def test_what_is_imported_and_not_locked_is_undeclared() -> None:
    touched = Touched(imported=(imported("PyYAML"), imported("scikit_learn")), interpreter=PYTHON)

    found = judge(touched, Declared(lock=lock("scikit-learn"), requirements=("scikit-learn>=1",)), PLACE, {})

    assert found.undeclared == (imported("PyYAML"),)
    assert (found.indirect, found.unused) == ((), ())


def test_what_the_code_imports_and_others_brought_is_indirect() -> None:
    by = "/environment/sklearn/a.py"
    touched = Touched(imported=(imported("numpy", by, "numpy"), imported("scipy", by, "scipy")), interpreter=PYTHON)
    declared = Declared(lock=lock("numpy", "scikit-learn", "scipy"), requirements=("scikit-learn",))

    found = judge(touched, declared, PLACE, {"numpy": "/tmp/folder/code/score.py"})

    assert found.indirect == (imported("numpy", module="numpy"),)
    assert found.unused == ("scikit-learn",)


def test_nothing_is_indirect_where_nothing_was_asked_for() -> None:
    touched = Touched(imported=(imported("numpy"),), interpreter=PYTHON)

    assert judge(touched, Declared(lock=lock("numpy")), PLACE, {"m": "/tmp/folder/code/score.py"}).indirect == ()


def test_what_the_server_needs_or_other_platforms_is_not_unused() -> None:
    declared = Declared(lock=lock("numpy"), requirements=("numpy", 'pywin32; sys_platform == "win32"'))

    assert judge(Touched(server=("NumPy",)), declared, PLACE, {}).unused == ()


@pytest.mark.parametrize(
    "file",
    [
        "/home/me/model.pkl",
        "/tmp/model.pkl",
        "/data/own.py",
        "/etc/shadow",
        "/usr/local/lib/libown.so",
        "/usr/lib/python3/dist-packages/yaml/__init__.py",
        "/tmp/folder-other/x",
    ],
)
def test_what_the_image_will_not_have_is_outside(file: str) -> None:
    touched = Touched(read=(file,), interpreter=PYTHON)

    assert judge(touched, Declared(lock=lock()), PLACE, {}).outside == (file,)


@pytest.mark.parametrize(
    "file",
    [
        "/tmp/folder/models/m/1/model.pkl",
        "/cache/server/modelyard_scoring/raw.py",
        "/cache/environments/a/lib/python3.11/site-packages/certifi/cacert.pem",
        "/usr/local/lib/python3.11/lib2to3/Grammar.txt",
        "/tmp/trial/own/.config",
        "/etc/ssl/certs/ca-certificates.crt",
        "/proc/meminfo",
        "/usr/lib/x86_64-linux-gnu/libgomp.so.1",
    ],
)
def test_what_the_image_has_is_not_outside(file: str) -> None:
    touched = Touched(read=(file,), library=(file, "libgomp.so.1"), interpreter=PYTHON)

    assert judge(touched, Declared(lock=lock()), PLACE, {}).outside == ()


def test_what_the_code_has_written_itself_is_not_outside() -> None:
    touched = Touched(read=("/tmp/cache.bin",), written=("/tmp/cache.bin",), interpreter=PYTHON)

    found = judge(touched, Declared(lock=lock()), PLACE, {})

    assert (found.outside, found.written) == ((), ())


@pytest.mark.parametrize("file", ["/tmp/folder/code/log.txt", "/var/log/x", "/home/me/x"])
def test_what_is_written_elsewhere_than_under_tmp_is_told(file: str) -> None:
    assert judge(Touched(written=(file,)), Declared(lock=lock()), PLACE, {}).written == (file,)


def test_addresses_of_all_kinds_are_told_together() -> None:
    touched = Touched(connected=("10.0.0.1:80",), bound=("0.0.0.0:1", "[::1]:0"), resolved=("db.example",))

    assert judge(touched, Declared(lock=lock()), PLACE, {}).network == ("0.0.0.0:1", "10.0.0.1:80", "db.example")
