"""``modelyard image run``: an image in the foreground, of which nothing is left when it ends."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError


@contextmanager
def _command(workspace: Workspace, image: Image, target: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the command, whose temporary files are in a folder."""
    folder.mkdir()
    command = [str(Path(sys.executable).with_name("modelyard")), "image", "run", image.id, "--target", target]
    with subprocess.Popen(
        [*command, "-w", workspace.location],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as running:
        yield running
        running.kill()


def _read_until(running: subprocess.Popen[str], sign: str) -> str:
    said = []
    for line in running.stdout:
        said.append(line)
        if sign in line:
            return line
    raise AssertionError(f"{sign!r} was not printed, but {said}")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("target", "end"), [("process", signal.SIGHUP), ("container", signal.SIGINT)])
def test_it_serves_and_says_its_log_until_ctrl_c(
    target: str, end: signal.Signals, workspace: Workspace, image: Callable[..., Image], tmp_path: Path
) -> None:
    with _command(workspace, image(), target, tmp_path / "t") as running:
        _, *said, _, data, url = shlex.split(_read_until(running, "curl"))
        headers = dict(word[2:].split(": ", 1) for word in said)
        answer = httpx.post(url, content=data, headers=headers)
        _read_until(running, "a line of init")
        running.send_signal(end)
        rest = running.communicate()[0]

    assert (answer.status_code, answer.json(), running.returncode) == (200, [], 0), rest
    assert list((tmp_path / "t").iterdir()) == []
    with pytest.raises(httpx.TransportError):
        httpx.get(url)


def test_one_that_is_killed_says_so(workspace: Workspace, image: Callable[..., Image], tmp_path: Path) -> None:
    with _command(workspace, image(), "process", tmp_path / "t") as running:
        _read_until(running, "curl")
        (note,) = (tmp_path / "t").rglob("process.json")
        os.kill(json.loads(note.read_text())["pid"], signal.SIGKILL)
        rest = running.communicate()[0]

    assert (running.returncode, list((tmp_path / "t").iterdir())) == (1, [])
    assert "scaling:1 ended: its process has ended" in rest


def test_one_that_cannot_start_says_why(workspace: Workspace, image: Callable[..., Image]) -> None:
    broken = image("def init():\n    1 / 0\n\ndef run(data):\n    return data\n")
    with pytest.raises(DeploymentFailedError, match="division by zero"), broken.run():
        pass
