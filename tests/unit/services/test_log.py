"""A log that is followed by its last lines alone."""

import pytest

from modelyard.services.log import new_lines


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("", "", ""),
        ("", "ab", "ab"),
        ("ab", "ab", ""),
        ("ab", "abc", "c"),
        ("abc", "bcd", "d"),
        ("aab", "aba", "a"),
        ("abc", "def", "def"),
        ("aaa", "aaaa", "a"),
    ],
)
def test_the_lines_that_were_not_there_before_are_new(before: str, after: str, new: str) -> None:
    assert "".join(new_lines([*before], [*after])) == new
