"""What a base image is made of, as labels say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import msgspec
from msgspec import Struct

DISTRIBUTION = "modelyard.base.distribution"
PACKAGES = "modelyard.base.packages"


class DebianPackage(Struct, frozen=True, kw_only=True, order=True, omit_defaults=True):
    """A package at one version; `source` is what it was built from, where that has another name."""

    name: str
    version: str
    architecture: str
    source: str = ""


class System(Struct, frozen=True, kw_only=True):
    """A distribution, such as ``debian-12``, and the packages that are there."""

    distribution: str
    packages: tuple[DebianPackage, ...]

    @property
    def labels(self) -> dict[str, str]:
        """The labels of an image that say so."""
        return {DISTRIBUTION: self.distribution, PACKAGES: msgspec.json.encode(self.packages).decode()}

    @classmethod
    def find(cls, labels: Mapping[str, str]) -> Self | None:
        """Read what an image's labels say; None where they say nothing of it."""
        try:
            packages = msgspec.json.decode(labels.get(PACKAGES, ""), type=tuple[DebianPackage, ...])
            return cls(distribution=labels[DISTRIBUTION], packages=packages)
        except (KeyError, msgspec.DecodeError):
            return None
