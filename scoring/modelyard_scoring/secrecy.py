"""What keys look like, and which files are secret enough for them."""

from __future__ import annotations

import os
import re
from typing import Final

from msgspec import Struct

KEY: Final = re.compile(r"[!-~]{16,256}")
KEY_FORM: Final = "16 to 256 visible ASCII characters"


class Secret(Struct, frozen=True):
    """A text that appears in no log, error or dump."""

    text: str

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


def is_private(status: os.stat_result, user: int) -> bool:
    """Tell whether a file can be read by nobody who should not.

    That is so where only its owner has rights. It is also so for a file of root's that its group may read and no more,
    where the process is not root's: so Kubernetes mounts a secret for a pod with an ``fsGroup``, and that the group is
    the pod's own was root's choice.
    """
    rights = status.st_mode & 0o077
    return rights == 0 or (rights == 0o040 and status.st_uid == 0 and user != 0)
