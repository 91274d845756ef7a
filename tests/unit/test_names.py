"""Names, labels, paths and references: what is taken, and what is refused with the rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import InvalidNameError, InvalidPathError, InvalidReferenceError, InvalidValueError
from modelyard.names import VersionRef, check_label, check_name, check_path

BAD = [
    "",
    ".",
    "..",
    "../up",
    "a/b",
    "a\\b",
    "a\x00b",
    "a\nb",
    "a\n",
    "x" * 129,
    "x" * 300,
    "\u0430bc",
    "\uff41",
    "caf\u00e9",
    " a",
]
NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidNameError, match="1 to 128 characters"):
        check_name("a model", name)


@given(NAMES)
def test_a_name_is_returned_as_it_is(name: str) -> None:
    assert check_name("a model", name) == name


@pytest.mark.parametrize("text", ["", "x" * 251, "a\x00", "a\n", "\x7f"])
def test_a_bad_label_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="1 to 250 characters"):
        check_label("tag", text)


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\x00", "x" * 256, "\ud800"]
)
def test_a_bad_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPathError):
        check_path(path)


def test_a_part_of_a_path_is_measured_in_bytes() -> None:
    assert check_path("é" * 127) == "é" * 127
    with pytest.raises(InvalidPathError, match="too long"):
        check_path("é" * 128)


REFERENCES = st.one_of(
    st.builds(VersionRef, NAMES),
    st.builds(VersionRef, NAMES, version=st.integers(1, 999_999_999)),
    st.builds(VersionRef, NAMES, alias=NAMES),
)


@given(REFERENCES)
def test_a_reference_is_read_as_it_was_written(reference: VersionRef) -> None:
    assert VersionRef.parse(str(reference)) == reference


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reference = VersionRef.parse(text)
    except InvalidReferenceError:
        return
    assert str(reference) == text


@pytest.mark.parametrize(
    "text", [*BAD, "a:", "a:0", "a:01", "a:-1", "a:1:2", "a@", "a@b@c", "a@b:1", "a:1@b", "a:\u0661", "a:1\n"]
)
def test_a_bad_reference_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(InvalidReferenceError, match="NAME:VERSION"):
        VersionRef.parse(text)
