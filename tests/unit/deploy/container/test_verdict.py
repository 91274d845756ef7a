"""What an engine says of an end, in words."""

import pytest

from modelyard_deploy.container.verdict import ending, recorded

MIB = 1 << 20
RECORD = '{"phase":"init","type":"ValueError","message":"no","traceback":"","hint":"do"}'


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"ExitCode": 0}, "by itself"),
        ({"ExitCode": 3}, "its start failed"),
        ({"ExitCode": 137}, "not for lack of memory"),
        ({"ExitCode": 139}, "SIGSEGV"),
        ({"ExitCode": 143}, "SIGTERM"),
        ({"ExitCode": 77}, "status 77"),
        ({"ExitCode": 137, "OOMKilled": True}, "its limit is 256 MiB, at most 255 MiB were in use"),
        ({"ExitCode": 128, "Error": "no such program"}, "no such program"),
    ],
)
def test_an_end_has_a_reason(state: dict[str, object], said: str) -> None:
    assert said in ending(state, 256 * MIB, 255 * MIB)


def test_the_first_record_of_a_log_counts() -> None:
    found = recorded(["plain", '{"phase": 1}', "{broken", RECORD, RECORD.replace("init", "import")])
    assert found is not None
    assert (found.phase, found.hint) == ("init", "do")
    assert recorded(["plain"]) is None
