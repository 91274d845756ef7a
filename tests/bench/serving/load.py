"""The load on a server, from another core: wrk for the highest rate where it is installed, and our own client."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace
from tests.bench.ground import Ground
from tests.bench.machine import pinned
from tests.bench.serving.contender import PROGRAMS, Running
from tests.bench.serving.form import Form, WrongAnswerError, compare
from tests.bench.serving.material import Answers, Rows
from tests.bench.side import ProgramError

_CHECKED = 50
"""Requests a second that are compared while wrk loads a server."""
_WARM = 20
"""Seconds that the warm-up may take."""
_SETTLE = 30
"""Seconds that a client may take beyond those it loads."""


class Plan(Struct, frozen=True, kw_only=True):
    """How a server is loaded.

    Parameters
    ----------
    rate
        Requests a second, on a schedule; 0 sends on each connection as soon as the last answer is there.
    steady
        Whether the schedule is evenly spaced, or that of a Poisson process.
    sample
        Each so-manieth answer is compared.
    """

    seconds: float
    connections: int
    rate: float = 0
    steady: bool = False
    sample: int = 50
    most: int = 1 << 60
    seed: int = 7


class Load(Struct, frozen=True, kw_only=True):
    """What a client has found; times are in milliseconds from when a request was meant to be sent.

    Parameters
    ----------
    late
        How late the client itself was in 99 of 100 cases, in seconds.
    processor
        What the server's processes used meanwhile, in seconds.
    """

    answers: int
    seconds: float
    failed: int
    p50: float
    p99: float
    p999: float = 0
    most: float = 0
    late: float = 0
    processor: float = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def each(self) -> float:
        """The server's processor time for an answer, in seconds."""
        return self.processor / self.answers


class Questions(Struct, frozen=True, kw_only=True):
    """Requests in a folder, and the right answer to each."""

    folder: Path
    form: Form
    right: list[Answers]

    @property
    def first(self) -> bytes:
        """The first request, as it goes over the wire."""
        return (self.folder / "request-0").read_bytes()


def make_questions(
    folder: Path, form: Form, batches: Sequence[Rows], right: list[Answers], **headers: str
) -> Questions:
    """Write requests for our own client, and their bodies for wrk."""
    folder.mkdir(parents=True)
    for number, batch in enumerate(batches):
        (folder / f"request-{number}").write_bytes(form.request(batch, headers))
        (folder / str(number)).write_bytes(form.write(batch))
    lines = (form.headers | headers).items()
    (folder / "headers").write_text("".join(f"{name}: {value}\n" for name, value in lines))
    return Questions(folder=folder, form=form, right=right)


def warm_up(ground: Ground, running: Running, questions: Questions, connections: int = 8) -> None:
    """Ask each question a few times, and compare every answer."""
    most = max(100, 3 * len(questions.right))
    converse(ground, running, questions, Plan(seconds=_WARM, connections=connections, sample=1, most=most))


def highest(ground: Ground, running: Running, questions: Questions, seconds: float, connections: int) -> Load:
    """Ask on all connections as fast as answers come, while a sample of answers is compared.

    wrk asks where it is installed: it is faster than any client in Python, and so are some servers.
    """
    before = running.processor_seconds()
    if shutil.which("wrk") is None:
        found = converse(ground, running, questions, Plan(seconds=seconds, connections=connections))
    else:
        checks = Plan(seconds=seconds, connections=1, rate=_CHECKED, sample=1)
        with client(ground, running, questions, checks) as checked:
            with pinned(ground.cores.other):
                asked = partial(ask_with_wrk, questions.folder, questions.form.path, running.port)
                found = asked(seconds=seconds, connections=connections)
            checked()
    if found.failed:
        raise WrongAnswerError(f"{running.contender.name} failed {found.failed} of {found.answers} requests.")
    return replace(found, processor=running.processor_seconds() - before)


def converse(ground: Ground, running: Running, questions: Questions, plan: Plan) -> Load:
    """Load a server with our own client, and compare the sampled answers."""
    with client(ground, running, questions, plan) as finished:
        return finished()


@contextmanager
def client(ground: Ground, running: Running, questions: Questions, plan: Plan) -> Iterator[Callable[[], Load]]:
    """Start our own client; what is given waits for its end and tells what it found.

    Raises
    ------
    WrongAnswerError
        If a request failed or a sampled answer is wrong.
    """
    given = to_builtins(plan) | {"port": running.port, "requests": str(questions.folder), "count": len(questions.right)}
    command = [sys.executable, "-P", str(PROGRAMS / "client.py"), json.dumps(given)]
    with pinned(ground.cores.other):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finished() -> Load:
        output, error = process.communicate(timeout=plan.seconds + _SETTLE)
        if process.returncode != 0:
            raise ProgramError(f"the client of {running.contender.name}", process.returncode, error)
        return _checked(json.loads(output), questions, running.contender.name)

    try:
        yield finished
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _checked(found: dict[str, Any], questions: Questions, who: str) -> Load:
    samples = found.pop("samples")
    for number, body in samples:
        compare(base64.b64decode(body), questions.form, questions.right[number], who)
    load = convert(found, Load)
    if load.failed or not samples:
        raise WrongAnswerError(f"{who} failed {load.failed} of {load.answers} requests; {len(samples)} were compared.")
    return load


def ask_with_wrk(bodies: Path, path: str, port: int, *, seconds: float, connections: int) -> Load:
    """Have wrk send the requests of a folder in turn, as fast as answers come."""
    count = sum(file.name.isdigit() for file in bodies.iterdir())
    settings = {"BODIES": str(bodies), "COUNT": str(count), "TARGET": path}
    options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
    done = subprocess.run(
        ["wrk", *options, "-s", str(PROGRAMS / "wrk.lua"), f"http://127.0.0.1:{port}"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=seconds + _SETTLE,
        check=False,
    )
    told = next((line for line in done.stdout.splitlines() if line.startswith("{")), None)
    if told is None:
        raise ProgramError("wrk", done.returncode, done.stdout + done.stderr)
    return convert(json.loads(told), Load)
