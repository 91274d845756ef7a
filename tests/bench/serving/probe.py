"""Requests that ask whether a server lives."""

from pathlib import Path

from tests.bench.serving.form import Form
from tests.bench.serving.load import Questions

_LIVE = b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def live(folder: Path) -> Questions:
    """Make the question whether a server of ours lives."""
    folder.mkdir(parents=True)
    (folder / "request-0").write_bytes(_LIVE)
    form = Form(path="/live", write=lambda _: b"", read=lambda body: {"alive": bool(body)})
    return Questions(folder=folder, form=form, right=[{}])
