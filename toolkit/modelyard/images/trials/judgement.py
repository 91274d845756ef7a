"""What of all that code touched will not be there in the image, or need not be."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from modelyard.environments.contents import Variable
from modelyard.environments.lock import Lock, canonical_name
from modelyard.environments.specification import requirement_name
from modelyard.images.trials.touched import Imported, Touched

SYSTEM = (
    "/bin",
    "/dev",
    "/etc/ca-certificates",
    "/etc/debian_version",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
    "/lib",
    "/lib64",
    "/proc",
    "/sbin",
    "/sys",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/sbin",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
)
"""What every image has, or a running container; `/etc/mime.types` is looked for, but Python does without."""

_FREE_PORTS = ("127.0.0.1:0", "[::1]:0")
"""What is bound to see whether it can be, or between a process and its children."""

_NOT_OF_THE_SYSTEM = ("/usr/lib/python3/dist-packages",)
"""Packages of this machine's own Python."""

_WRITABLE = ("/dev", "/proc", "/tmp", "/var/tmp")  # noqa: S108 - names, where nothing is made


class Declared(Struct, frozen=True, kw_only=True):
    """What an image declares.

    Parameters
    ----------
    lock
        All packages of its environment.
    requirements
        What the user asked for, as PEP 508 texts; the lock has besides what these need.
    variables
        Those of the image, beside the environment's own.
    """

    lock: Lock
    requirements: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()


class Place(Struct, frozen=True, kw_only=True):
    """Where the code was tried: the model folder, the folder of the scoring package, and the folder HOME."""

    folder: Path
    server: Path
    home: Path


class Judgement(Struct, frozen=True, kw_only=True):
    """What to look at before an image is built; everything empty is as it should be.

    Parameters
    ----------
    undeclared
        Distributions that were imported and are not in the lock: the image will not have them.
    indirect
        Those that the user's own code imports, and that the lock has only since other packages need them.
    unused
        The names of those that the user declared, and that neither the code nor the server has imported.
    outside
        Files that were read and will not be in the image, shared libraries among them.
    network
        Addresses that were connected to or listened at, and hosts that were looked up; but for free ports of loopback.
    written
        Files and folders that were written elsewhere than under ``/tmp``: in a container that cannot be.
    """

    undeclared: tuple[Imported, ...] = ()
    indirect: tuple[Imported, ...] = ()
    unused: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


def judge(touched: Touched, declared: Declared, place: Place, statements: Mapping[str, str]) -> Judgement:
    """Compare what was touched with what an image declares and holds.

    Parameters
    ----------
    statements
        The modules that files of the model folder import, each with one of the files.
    """
    locked = {package.name for package in declared.lock.packages}
    # one that is not in the lock is for other platforms
    asked = {requirement_name(text) for text in declared.requirements} & locked
    used = {canonical_name(one.distribution) for one in touched.imported} | set(map(canonical_name, touched.server))
    undeclared = [one for one in touched.imported if canonical_name(one.distribution) not in locked]
    others = locked - asked if asked else set()
    indirect = [
        replace(one, by=by)
        for one in touched.imported
        if canonical_name(one.distribution) in others and (by := _statement(one.module, statements))
    ]
    return Judgement(
        undeclared=tuple(undeclared),
        indirect=tuple(indirect),
        unused=tuple(sorted(asked - used)),
        outside=_outside(touched, place),
        network=tuple(sorted({*touched.connected, *touched.bound, *touched.resolved} - set(_FREE_PORTS))),
        written=tuple(file for file in touched.written if not _may_be_written(file, place)),
    )


def _statement(module: str, statements: Mapping[str, str]) -> str:
    return statements.get(module) or statements.get(module.partition(".")[0], "")


def _outside(touched: Touched, place: Place) -> tuple[str, ...]:
    own = [touched.interpreter.prefix, *touched.interpreter.standard_library]
    own += [str(folder) for folder in (place.folder, place.server, place.home)]
    own += [os.path.realpath(folder) for folder in own if folder]  # as many packages spell where their files are
    written = set(touched.written)
    libraries = [file for file in touched.library if file.startswith("/")]
    return tuple(
        sorted(
            file
            for file in {*touched.read, *libraries} - written
            if not _under(file, own) and (not _under(file, SYSTEM) or _under(file, _NOT_OF_THE_SYSTEM))
        )
    )


def _may_be_written(file: str, place: Place) -> bool:
    if _under(file, [str(place.folder)]):  # wherever that is here, in a container it is /model, which is read-only
        return False
    return _under(file, [str(place.home), *_WRITABLE])


def _under(file: str, folders: Sequence[str]) -> bool:
    return any(folder and (file == folder or file.startswith(f"{folder.rstrip('/')}/")) for folder in folders)
