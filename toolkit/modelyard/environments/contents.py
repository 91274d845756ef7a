"""What an environment holds besides packages of an index."""

from __future__ import annotations

import re

from msgspec import Struct

from modelyard.environments.errors import InvalidSpecificationError

_SHA256 = re.compile(r"[0-9a-f]{64}")


class PrivateWheel(Struct, frozen=True, kw_only=True, order=True):
    """A wheel that no index has: its file name and the sha256 of its bytes."""

    filename: str
    sha256: str

    def __post_init__(self) -> None:
        """Check the digest's form; the file name is checked where the wheel is read."""
        if _SHA256.fullmatch(self.sha256) is None:
            raise InvalidSpecificationError("wheel digest", self.sha256, "it is 64 hexadecimal digits (sha256).")


class Variable(Struct, frozen=True, kw_only=True, order=True):
    """An environment variable that is set when the environment is used; never a secret, for it is kept in clear."""

    name: str
    value: str
