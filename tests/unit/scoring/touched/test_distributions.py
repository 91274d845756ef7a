"""The distribution of a module is the one whose list of files has it."""

import pytest

from modelyard_scoring.touched.distributions import Imported, find_imported


@pytest.fixture
def install(tmp_path):
    """Write the lists of distributions into a folder for packages."""

    def write(name, *files):
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
        return [str(tmp_path / file) for file in files]

    return write


def test_a_package_under_another_name_is_found_with_who_asked_for_it(install, tmp_path):
    files = install("scikit-learn", "sklearn/__init__.py", "sklearn/tree/__init__.py")

    found, rest = find_imported(files, {"sklearn.tree": "/model/code/score.py", "sklearn": files[0]}, [str(tmp_path)])

    wanted = Imported(distribution="scikit-learn", version="1.0", module="sklearn.tree", by="/model/code/score.py")
    assert (found, rest) == ((wanted,), set())


def test_packages_that_share_a_namespace_are_told_apart(install, tmp_path):
    proto, _ = install("protobuf", "google/protobuf/__init__.py"), install("google-cloud-storage", "google/cloud/s.py")

    found, _ = find_imported(proto, {"google.protobuf": "/code/a.py"}, [str(tmp_path)])

    assert [(one.distribution, one.by) for one in found] == [("protobuf", "/code/a.py")]


def test_compiled_modules_count_as_their_source(install, tmp_path):
    install("attrs", "attr/__init__.py")

    found, rest = find_imported([f"{tmp_path}/attr/__pycache__/__init__.cpython-311.pyc"], {}, [str(tmp_path)])

    assert ([one.distribution for one in found], rest) == (["attrs"], set())


def test_a_module_that_nothing_has_brought_is_told(install, tmp_path):
    install("attrs", "attr/__init__.py")

    found, rest = find_imported([f"{tmp_path}/own.py", "/data/lib.py"], {}, [str(tmp_path), ""])

    assert (found, rest) == ((), {f"{tmp_path}/own.py", "/data/lib.py"})


def test_who_asked_is_not_told_where_it_was_no_file(install, tmp_path):
    files = install("attrs", "attr/__init__.py")

    found, _ = find_imported(files, {"attr": "<string>"}, [str(tmp_path)])

    assert (found[0].module, found[0].by) == ("attr", "")
