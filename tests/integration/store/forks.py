"""Clients that are killed: ``python -m tests.integration.store.forks ROOT HISTORY SEED COUNT CHANCE [early]``.

Each is forked from this process, which has everything loaded, so that a kill falls among work and not among imports.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from tests.integration.store.workload import early, work, writer

LONGEST = 0.25
"""Seconds that a client works at most before it is killed."""


def main() -> None:
    """Run the clients one after another; each is killed at a random moment."""
    root, history, seed, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    chance = random.Random(sys.argv[5])
    write = writer(history)
    for number in range(seed, seed + count):
        client = os.fork()
        if client == 0:
            work(root, early(write) if sys.argv[6:] else write, number)
        time.sleep(chance.uniform(0.005, LONGEST))
        os.kill(client, signal.SIGKILL)
        _, status = os.waitpid(client, 0)
        if os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"client {number} ended by itself: {status}")


if __name__ == "__main__":
    main()
