"""The kinds of machines that an image can be for, such as linux/amd64."""

from __future__ import annotations

import re
from typing import Self

from msgspec import Struct, field

from modelyard.images.oci.errors import InvalidDocumentError

_FORM = re.compile(r"(?P<os>[a-z0-9]{1,32})/(?P<architecture>[a-z0-9_]{1,32})(?:/(?P<variant>[a-z0-9.]{1,32}))?")
_IMPLIED = {"arm64": "v8", "arm": "v7"}
"""The variant that is meant where none is said."""


class Platform(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An operating system on a kind of processor; written ``linux/amd64`` or ``linux/arm/v7``."""

    architecture: str
    os: str
    variant: str = ""
    os_version: str = field(default="", name="os.version")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``OS/ARCHITECTURE`` or ``OS/ARCHITECTURE/VARIANT``.

        Raises
        ------
        InvalidDocumentError
            If `text` has another form.
        """
        if (match := _FORM.fullmatch(text)) is None:
            raise InvalidDocumentError(f"The platform {text[:80]!r}", "it is not written as linux/amd64 is")
        return cls(architecture=match["architecture"], os=match["os"], variant=match["variant"] or "")

    def __str__(self) -> str:
        """Write the form that `parse` reads."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def runs(self, other: Platform) -> bool:
        """Say whether a machine of this kind runs what is for `other`."""
        return (self.os, self.architecture, self._level) == (other.os, other.architecture, other._level)

    @property
    def _level(self) -> str:
        return self.variant or _IMPLIED.get(self.architecture, "")
