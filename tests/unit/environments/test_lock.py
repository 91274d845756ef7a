import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from modelyard.environments.contents import PrivateWheel, Variable
from modelyard.environments.lock import Lock, LockedPackage, Recording, canonical_name, read_pins

packages = st.lists(
    st.builds(
        LockedPackage,
        name=st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,3})?", fullmatch=True),
        version=st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}(\+cpu)?", fullmatch=True),
        hashes=st.lists(
            st.integers(0, 2**256 - 1).map(lambda number: f"sha256:{number:064x}"), max_size=3, unique=True
        ).map(lambda hashes: tuple(sorted(hashes))),
    ),
    max_size=5,
    unique_by=lambda package: package.name,
).map(lambda found: tuple(sorted(found)))
locks = st.builds(
    lambda p: Lock(kind="resolved", platform="x86_64-manylinux_2_28", python="3.11", packages=p), packages
)


@given(locks)
def test_a_lock_reads_back_from_its_requirements_text(lock):
    assert read_pins(lock.requirements) == lock.packages


@given(locks)
def test_a_lock_reads_back_from_its_json_with_the_same_digest(lock):
    assert Lock.from_json(lock.to_json()) == lock
    assert Lock.from_json(lock.to_json()).digest == lock.digest


PLAIN = Lock(kind="resolved", platform="x86_64-manylinux_2_28", python="3.11", packages=())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "recorded"},
        {"platform": "aarch64-manylinux_2_28"},
        {"python": "3.12"},
        {"packages": (LockedPackage(name="six", version="1.17.0"),)},
        {"wheels": (PrivateWheel(filename="a-1-py3-none-any.whl", sha256="0" * 64),)},
        {"system_packages": ("libgomp1",)},
        {"variables": (Variable(name="A", value="b"),)},
        {"allow_source_builds": True},
    ],
)
def test_what_would_be_installed_decides_the_digest(change):
    assert structs.replace(PLAIN, **change).digest != PLAIN.digest


def test_where_a_lock_came_from_leaves_the_digest_alone():
    told = structs.replace(
        PLAIN,
        spec="0" * 64,
        resolver="uv 0.13.8",
        exclude_newer="2026-01-01T00:00:00Z",
        recording=Recording(interpreter="CPython 3.11.7", machine="x86_64"),
    )
    assert told.digest == PLAIN.digest


def test_pins_are_read_past_comments_markers_and_continued_lines():
    text = "# header\nSix_Two==1.0 ; python_version > '3' \\\n    --hash=sha256:" + "b" * 64 + "\n    # via x\n"
    assert read_pins(text) == (LockedPackage(name="six-two", version="1.0", hashes=(f"sha256:{'b' * 64}",)),)


@pytest.mark.parametrize("line", ["six>=1", "-e .", "six @ file:///six.whl", "--index-url https://host"])
def test_a_file_that_does_not_pin_is_refused(line):
    with pytest.raises(ValueError, match="exact version"):
        read_pins(f"{line}\n")


def test_a_package_is_found_however_it_is_spelled():
    lock = structs.replace(PLAIN, packages=(LockedPackage(name="scikit-learn", version="1.5"),))
    assert lock.package("Scikit_Learn") == lock.packages[0]
    assert lock.package("six") is None


def test_a_lock_cannot_be_changed():
    with pytest.raises(AttributeError):
        PLAIN.python = "3.12"


def test_another_kind_is_refused():
    with pytest.raises(msgspec.ValidationError):
        Lock.from_json(PLAIN.to_json().replace(b"resolved", b"guessed"))


def test_names_are_spelled_as_the_index_spells_them():
    assert canonical_name("Ruamel.YAML__clib") == "ruamel-yaml-clib"
