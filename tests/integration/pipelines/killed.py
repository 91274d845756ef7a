"""A program that goes on with the runs of a workspace in one life after another, each killed at some point.

``python -m tests.integration.pipelines.killed FOLDER SEED LIVES LONGEST [forgetful]``: all is loaded once, and each
life is forked from that. From when it looks after a run, a
life counts what it does that others can see (statements and commits of its database, files
opened, renamed, removed, processes started) and kills itself by SIGKILL at a number between 1 and LONGEST. After LIVES
of them the last one is left to its end. Prints how many were killed. With ``forgetful`` each life looks for jobs at
places of its own, as if it did not know what was started before: then steps run twice.
"""

import os
import random
import signal
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from modelyard.compute.pool import LOCAL
from modelyard.compute.target import find_compute
from modelyard.runner.holder import Lease
from modelyard.runner.runner import Pace, Runner
from modelyard.sdk.pipeline.reconciler import PipelineReconciler
from modelyard.sdk.pipeline.work import Work
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings
from modelyard.values import make_ready

_SEEN = ("open", "os.", "shutil.", "subprocess.", "fcntl.")


def main(folder: str, seed: int, lives: int, longest: int, *, forgetful: bool) -> None:
    """Go on with the runs of a workspace to their end."""
    chance = random.Random(seed)
    make_ready()
    find_compute(LOCAL, Settings.read())  # loaded before the lives begin
    killed = 0
    for life in range(lives + 1):
        pid = os.fork()
        if pid == 0:
            _live(folder, chance.randint(1, longest) if life < lives else 0, forgetful=forgetful)
        chance.randint(1, longest)
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            break
    print(killed)


def _live(folder: str, until: int, *, forgetful: bool) -> None:
    count = 0
    begun = False

    def note(*_: object) -> None:
        nonlocal count
        count += begun
        if begun and count == until:
            os.kill(os.getpid(), signal.SIGKILL)

    class Counting(PipelineReconciler):
        def step(self, key: str, lease: Lease) -> float | None:
            nonlocal begun
            begun = True  # before, it only waits for the lease of the life before
            return super().step(key, lease)

    with Workspace.open(folder) as workspace:
        if forgetful:
            place = Work.place
            Work.place = lambda self, run: place(self, f"{run}-{os.getpid()}")  # type: ignore[method-assign]
        runner = Runner(
            workspace.backend.leases, [Counting(workspace)], str(os.getpid()), Pace(ttl=0.3, look=0.05, idle=0.0)
        )
        event.listen(Engine, "before_cursor_execute", note)
        event.listen(Engine, "commit", note)
        sys.addaudithook(lambda name, _: note() if name.startswith(_SEEN) else None)
        while PipelineReconciler(workspace).due():
            runner.run()
    os._exit(0)


if __name__ == "__main__":
    where, seed, lives, longest, *more = sys.argv[1:]
    main(str(Path(where)), int(seed), int(lives), int(longest), forgetful=bool(more))
