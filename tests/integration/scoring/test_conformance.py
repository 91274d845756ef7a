"""Polite clients get what the RFCs of HTTP promise them."""

import pytest
from tests.integration.scoring.conformance import CASES


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double})).wait()


def test_there_are_enough_rules():
    assert len(CASES) >= 60
    assert len({case.rule for case in CASES}) == len(CASES)


def split(data, sent):
    """Split what came into (status, headers, body)."""
    answers = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = 0 if sent.startswith(b"HEAD") else int(headers.get("content-length", "0"))
        answers.append((int(first.split(" ")[1]), headers, data[:length]))
        assert len(data) >= length, "cut off"
        data = data[length:]
    return answers


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.section} {case.rule}")
def test_rule(server, case):
    answers = split(server.raw(case.sent, shut=True), case.sent)
    assert tuple(status for status, _, _ in answers) == case.statuses
    _, headers, body = answers[-1]
    for name, value in case.headers:
        assert name not in headers if value is None else value.lower() in headers[name]
    if case.body is not None:
        assert body == case.body
