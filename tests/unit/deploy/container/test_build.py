"""A failure of the builder is sorted by what it said in its last step."""

from pathlib import Path

import pytest

from modelyard_deploy.container.build import _failure, _lines

EARLIER = ["Step 1/9 : RUN apt-get update", "Temporary failure resolving 'deb.debian.org'"]
ERROR = "ERROR: The command returned a non-zero code: 1"


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        ("Temporary failure resolving 'deb.debian.org'\nE: Unable to locate package x", "network", "SSL_CERT_FILE"),
        ("[Errno 111] Connection refused", "network", "Connection refused"),
        ("E: Unable to locate package nosuch", "package", "nosuch"),
        ("ERROR: No matching distribution found for nosuch==1", "package", "nosuch==1"),
        ("write /x: no space left on device", "space", "prune"),
        ("oops", "step", "step 4 failed: RUN false"),
    ],
)
def test_a_failure_has_a_kind(said: str, kind: str, reason: str) -> None:
    failure = _failure("digits:1", [*EARLIER, "Step 4/9 : RUN false", *said.splitlines(), ERROR], Path("/log"))
    assert failure.kind == kind
    assert reason in str(failure)
    assert "/log" in str(failure)


def test_a_builder_that_says_nothing_has_given_up() -> None:
    assert "gave up" in str(_failure("digits:1", [], Path("/log")))


def test_the_stream_of_a_builder_is_read_line_by_line() -> None:
    said = [{"stream": "Step 1/2 : FROM x\n"}, {"stream": "\n"}, {"aux": {"ID": "1"}}, {"error": "no\n"}]
    assert list(_lines(said)) == ["Step 1/2 : FROM x", "ERROR: no"]
