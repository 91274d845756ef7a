"""A client gets the form that it likes best of those that there are."""

import pytest

from modelyard_scoring.errors import NotAcceptableError
from modelyard_scoring.http1.accept import Acceptance

JSON, CSV, NPZ = "application/json", "text/csv", "application/x-npz"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("text/csv", CSV),
        ("TEXT/CSV;charset=utf-8", CSV),
        ("text/*", CSV),
        ("application/*", JSON),
        ("application/*, application/json;q=0.1", NPZ),
        ("*/*;q=0.1, text/csv", CSV),
        ("text/csv, */*", CSV),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("text/csv;q=0.5, application/json;q=0.4", CSV),
        ("text/csv;q=0, */*", JSON),
        ("application/json;q=0, text/csv;q=0, */*", NPZ),
        ("text/csv ; q=1.000 , application/json;q=0.999", CSV),
        ("application/json;q=huge, text/csv;q=0.001", CSV),
        ("application/x-npz, text/csv", CSV),
        (",, ,text/csv,", CSV),
    ],
)
def test_the_best_form_is_chosen(header, form):
    acceptance = Acceptance([JSON, CSV, NPZ])
    assert [acceptance.best(header.encode()) for _ in range(2)] == [form, form]


@pytest.mark.parametrize("header", ["image/png", "*/*;q=0", "text/csv;q=0", "text", ",", "\xff", "*/csv"])
def test_what_cannot_be_given_is_refused_and_what_can_is_named(header):
    with pytest.raises(NotAcceptableError, match=f"Accept {JSON} or {CSV} or {NPZ}"):
        Acceptance([JSON, CSV, NPZ]).best(header.encode("latin-1"))


def test_headers_that_come_again_and_again_are_not_all_kept():
    acceptance = Acceptance([JSON])
    for number in range(1000):
        acceptance.best(f"*/*, x/{number}".encode())
    assert len(acceptance._known) <= 100
