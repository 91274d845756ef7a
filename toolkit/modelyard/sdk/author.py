"""Who does something, for those who read of it later."""

from __future__ import annotations

import getpass
import os
import platform


def user() -> str:
    """Name the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return str(os.getuid())


def author() -> str:
    """Name the user and the machine."""
    return f"{user()}@{platform.node()}"
