"""What can go wrong with leases and runners.

::

    ModelyardError
    ├── LeaseHeldError          another holds the lease, or it has moved since it was looked at
    ├── LeaseLostError          the token is not that of the newest holder
    ├── RunnerNotStartedError   a runner ended before it looked after its workspace
    ├── RunnerRunsError         a runner looks after the folder already
    └── RunnerStaysError        a runner that was told to end goes on
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class LeaseHeldError(ModelyardError):
    """Another holds the lease; `token` and `beat` are what it may be taken over by, once they stand still for `ttl`."""

    code = "lease-held"

    def __init__(self, key: str, holder: str, token: int, beat: int, ttl: float) -> None:
        super().__init__(
            f"The lease {key} is held by {holder}. Wait until it is released; it can be taken over when its holder "
            f"gives no sign of life for {ttl:g} s."
        )
        self.key = key
        self.holder = holder
        self.token = token
        self.beat = beat
        self.ttl = ttl


class LeaseLostError(ModelyardError):
    """The token is not that of the newest holder: nothing may be written with it any more."""

    code = "lease-lost"

    def __init__(self, key: str, token: int) -> None:
        super().__init__(
            f"The lease {key} is lost to whoever held it by the token {token}: it was released, or not renewed in "
            "time. Nothing was changed; whoever holds it now goes on."
        )
        self.key = key
        self.token = token


class RunnerNotStartedError(ModelyardError):
    """A runner ended before it looked after its workspace."""

    code = "runner-not-started"

    def __init__(self, folder: str, log: str, said: str) -> None:
        super().__init__(f"No runner could be started for {folder}: {said or 'it said nothing'}. Its log is {log}")
        self.folder = folder
        self.log = log
        self.said = said


class RunnerRunsError(ModelyardError):
    """A runner looks after the folder already, and one is enough."""

    code = "runner-runs"

    def __init__(self, folder: str, pid: int) -> None:
        super().__init__(f"The process {pid} is the runner of {folder} already. End it with: modelyard runner stop")
        self.folder = folder
        self.pid = pid


class RunnerStaysError(ModelyardError):
    """A runner that was told to end goes on: it is within a step that takes long."""

    code = "runner-stays"

    def __init__(self, pid: int, seconds: float) -> None:
        super().__init__(
            f"The runner {pid} was told to end, and still carries out a step after {seconds:g} s. It ends when the "
            f"step does; kill -KILL {pid} ends it at once, and the next takes up what it did."
        )
        self.pid = pid
        self.seconds = seconds
