"""Where a script was when it crashed or hung, as the interpreter writes it without running any Python."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import time

SIGNAL = signal.SIGUSR1
_MOST = 65_536
_WAIT = 2.0  # seconds to wait for what was asked for


class Traces:
    """A piece of memory that a process writes to when it is asked where it is, or when it crashes.

    Attributes
    ----------
    number
        The descriptor of the memory.
    """

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.number = os.memfd_create("traces")
        else:
            self.number = os.open(os.devnull, os.O_RDWR)

    def read(self) -> str | None:
        """Give what was written; None for nothing."""
        return os.pread(self.number, _MOST, 0).decode("utf-8", "replace") or None

    def ask(self, process: subprocess.Popen[bytes]) -> str | None:
        """Have a process write where each of its threads is."""
        process.send_signal(SIGNAL)
        end = time.monotonic() + _WAIT
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
            if (told := self.read()) is not None:
                return told
        return None

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.number)


def write_traces(number: int) -> None:
    """Write where this process is when it crashes or is asked, whatever holds the interpreter."""
    faulthandler.enable(file=number)
    faulthandler.register(SIGNAL, file=number)
