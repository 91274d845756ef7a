"""What a file may be: small, text, well named, and free of what belongs elsewhere."""

import re

from tests.house.source import ROOT, files, modules, name, python_files

SMELL, FAILURE = 300, 500
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "core", "common", "manager", "base", "misc"}
LARGEST = 200_000
LARGE = {"requirements.lock": "every dependency with the hashes of all its files"}
# The parts of an address are kept apart here, so that this file does not break its own rule; .example is nobody's.
REGISTRIES = re.compile(
    r"pypi\.(org|python\.org)|pythonhosted\.(org)|registry-1\.(docker)|index-url[ =:]*https?://(?!\S*\.example)[\w-]+\."
)

OWN_FOLDERS = re.compile(r"/(?:home/(?!me\b)|Users/|root/|work/)[a-z.]")


def _lines(path) -> int:
    return len(path.read_text().splitlines())


def test_no_module_is_longer_than_500_lines() -> None:
    long = {name(path): _lines(path) for path in python_files() if _lines(path) > SMELL}
    print(f"Longer than {SMELL} lines:", *(f"{where} {count}" for where, count in long.items()), sep="\n  ")

    assert {where: count for where, count in long.items() if count > FAILURE} == {}


def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    parts = {part.removesuffix(".py") for path in modules() for part in path.relative_to(ROOT).parts}

    assert parts & FORBIDDEN_NAMES == set()


def test_every_file_is_small() -> None:
    large = {name(path): path.stat().st_size for path in files() if path.stat().st_size > LARGEST}

    assert set(large) <= set(LARGE), large


def test_every_file_is_text() -> None:
    assert [name(path) for path in files() if b"\0" in path.read_bytes()] == []


def test_no_file_names_a_package_registry() -> None:
    assert [name(path) for path in files() if REGISTRIES.search(path.read_text())] == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert [name(path) for path in files() if OWN_FOLDERS.search(path.read_text())] == []


def test_the_locks_have_hashes_and_no_addresses() -> None:
    for lock in ("requirements.lock", "requirements-scoring.lock"):
        text = (ROOT / lock).read_text()
        pinned = re.findall(r"^[a-z0-9][\w.\[\]-]*==\S+", text, re.MULTILINE)

        assert pinned, lock
        assert text.count("==") == len(pinned), f"{lock} pins something in another form"
        assert len(re.findall(r"^\S+ \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) == len(pinned), lock
        assert "://" not in text, lock


def test_the_scoring_lock_has_the_versions_of_the_whole_lock() -> None:
    whole, scoring = (
        dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-scoring.lock")
    )

    assert scoring.items() <= whole.items()
    assert {"gunicorn", "uvloop", "onnxruntime", "numpy"} <= scoring.keys()
    assert not {"modelyard", "sqlalchemy", "click", "flask"} & scoring.keys()
