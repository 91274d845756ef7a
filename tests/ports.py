"""Ports for servers that are told where to listen."""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """Find a free port below those that the system gives to whoever connects, who would take it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            return port
