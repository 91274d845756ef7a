"""A lock: the exact packages of an environment on one platform, with hashes once it is resolved."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Literal, Self

import msgspec
from msgspec import Struct, structs

from modelyard.environments.contents import PrivateWheel, Variable

_SEPARATORS = re.compile(r"[-_.]+")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=(?P<hash>sha256:[0-9a-f]{64})")

_PROVENANCE = ("spec", "resolver", "exclude_newer", "recording")


class LockedPackage(Struct, frozen=True, kw_only=True, order=True):
    """One package at one version.

    `hashes` are those of every file that may be installed for it, as ``sha256:…``; empty where only the version is
    known. `local` says where a package that no index has was installed from: a path or an address.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    local: str = ""


class Recording(Struct, frozen=True, kw_only=True):
    """What was seen of the machine where a running environment was recorded."""

    interpreter: str
    machine: str
    libc: str = ""
    cpu_flags: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()


class Lock(Struct, frozen=True, kw_only=True):
    """The exact packages of an environment, for one platform and one minor version of Python.

    ``resolved`` locks come from the resolver: complete, with hashes, and can be installed. ``recorded`` ones say what
    was installed in a running interpreter; `resolver.resolve_recorded` makes a resolved lock of the same versions.

    The digest covers everything but where the lock came from: `spec` (the digest of the specification), `resolver`,
    `exclude_newer` and `recording`. Two locks with one digest install the same.
    """

    kind: Literal["resolved", "recorded"]
    platform: str
    python: str
    packages: tuple[LockedPackage, ...]
    wheels: tuple[PrivateWheel, ...] = ()
    system_packages: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    allow_source_builds: bool = False
    spec: str = ""
    resolver: str = ""
    exclude_newer: str = ""
    recording: Recording | None = None

    @property
    def digest(self) -> str:
        """The sha256, in hexadecimal, of what the lock would install."""
        document = msgspec.to_builtins(self)
        for field in _PROVENANCE:
            del document[field]
        return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()

    @property
    def bare(self) -> Self:
        """The same without where it came from: two locks that install the same are then the same bytes."""
        return structs.replace(self, spec="", resolver="", exclude_newer="", recording=None)

    @property
    def requirements(self) -> str:
        """The packages as a pip requirements file, with hashes where they are known."""
        return "".join(f"{line}\n" for line in self._lines())

    def package(self, name: str) -> LockedPackage | None:
        """Find a package by its name, however that is spelled."""
        wanted = canonical_name(name)
        return next((p for p in self.packages if p.name == wanted), None)

    @classmethod
    def from_json(cls, document: bytes) -> Self:
        """Read what `to_json` wrote."""
        return msgspec.json.decode(document, type=cls)

    def to_json(self) -> bytes:
        """Write the lock as JSON with sorted keys."""
        return msgspec.json.encode(self, order="sorted")

    def _lines(self) -> Iterator[str]:
        for package in self.packages:
            yield " \\\n    ".join(
                [f"{package.name}=={package.version}", *(f"--hash={digest}" for digest in package.hashes)]
            )


def canonical_name(name: str) -> str:
    """Spell a package's name as the index does: lower case, with single hyphens."""
    return _SEPARATORS.sub("-", name).lower()


def read_pins(requirements: str) -> tuple[LockedPackage, ...]:
    """Read the packages of a compiled requirements file, sorted by name, their hashes sorted.

    Raises
    ------
    ValueError
        If a line is neither a pin nor a hash: such a file does not say exactly what is installed.
    """
    packages = []
    for line in re.sub(r"\\\s*\n", " ", requirements).splitlines():
        text = line.split(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        match = _PIN.match(text)
        if match is None:
            raise ValueError(f"{text!r} is not an exact version")
        hashes = tuple(sorted(m["hash"] for m in _HASH.finditer(text)))
        packages.append(LockedPackage(name=canonical_name(match["name"]), version=match["version"], hashes=hashes))
    return tuple(sorted(packages))
