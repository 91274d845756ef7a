"""What of the packages' files goes into a base.

An allow-list says what is kept, so that nothing creeps in with another release: the interpreter, the libraries, time
zones, certificates, licences. A second list takes out of it what a service does not need. There is no shell, and no
other program than Python: what breaks into a container finds nothing to go on with. The files of dpkg's own data base
are replaced by one of each package below ``/var/lib/dpkg/status.d``, where scanners look for them.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from posixpath import relpath

from modelyard.images.debian.package_file import PackageFile
from modelyard.images.layers import LayerEntry, file_mode
from modelyard.store.blobs import CHUNK

USER = 65532
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"

_KEPT = re.compile(
    r"""
    etc/(debian_version|mime\.types|os-release|python3\.\d+/.+)
    | usr/bin/python3\.\d+
    | usr/lib(64)?/.+
    | usr/share/(zoneinfo|common-licenses|ca-certificates/mozilla)/.+
    | usr/share/doc/[^/]+(/copyright)?              # a link to another's folder, or the licence
    """,
    re.VERBOSE,
)
_LEFT_OUT = re.compile(
    r"""
    usr/lib/(binfmt\.d|debug|locale|mime|systemd|sysusers\.d|tmpfiles\.d|valgrind)/.*
    | usr/lib/[^/]+/(audit|engines-3|gconv|perl|perl-base)/.*
    | usr/lib/python3(\.\d+)?/(config-[^/]*|ensurepip|idlelib|lib2to3|pydoc_data|test|tkinter|turtledemo)/.*
    | usr/lib/python3\.\d+/.*/(idle_test|tests?)/.*
    | usr/lib/python3\.\d+/lib-dynload/(_ctypes_test|_curses|_dbm|_gdbm|_test|_tkinter|_?xx|nis|readline)[^/]*
    | usr/share/zoneinfo/(posix|right)/.*
    | usr/share/zoneinfo/(leap-seconds\.list|leapseconds|localtime|posixrules|tzdata\.zi)
    """,
    re.VERBOSE,
)
_MERGED = re.compile(r"(bin|lib|lib64|sbin)/")
_AUTHORITY = re.compile(r"usr/share/ca-certificates/mozilla/.+\.crt")
_FOLDERS = {"dev": 0, "etc": 0, "proc": 0, "root": 0o700, "run": 0, "sys": 0, "tmp": 0o1777, "var/tmp": 0o1777}


def base_entries(packages: Sequence[PackageFile], python: str, scratch: Path) -> list[LayerEntry]:
    """List what the base has, for a layer; files are written below the folder `scratch`, which is the caller's.

    Raises
    ------
    DamagedPackageError
        If a package cannot be read.
    """
    found = {entry.path: entry for package in packages for entry in _of_package(package, scratch)}
    authorities = [path for path in sorted(found) if _AUTHORITY.fullmatch(path)]
    bundle = b"".join(_text(found.pop(path)) for path in authorities)
    added = [
        LayerEntry(path=AUTHORITIES, source=bundle),
        LayerEntry(path="usr/lib/ssl/cert.pem", kind="link", target=relpath(AUTHORITIES, "usr/lib/ssl")),
        LayerEntry(path="usr/bin/python3", kind="link", target=f"python{python}"),
        *(LayerEntry(path=path, kind="folder", mode=mode) for path, mode in _FOLDERS.items()),
        *(LayerEntry(path=path, source=text.encode()) for path, text in _accounts().items()),
        *(_status(package) for package in packages),
    ]
    merged = {path.split("/")[1] for path in found if path.startswith("usr/")} & {"bin", "lib", "lib64"}
    added += [LayerEntry(path=name, kind="link", target=f"usr/{name}") for name in merged]
    return [*found.values(), *added]


def _of_package(package: PackageFile, scratch: Path) -> Iterator[LayerEntry]:
    with package.contents() as tar:
        for number, member in enumerate(tar):
            path = _place(member.name)
            if _KEPT.fullmatch(path) is None or _LEFT_OUT.fullmatch(path):
                continue
            if member.issym():
                yield LayerEntry(path=path, kind="link", target=_target(path, member.linkname))
            elif member.isfile() or member.islnk():
                source = _extract(tar, member, scratch / f"{package.package.name}-{number}")
                yield LayerEntry(path=path, source=source, mode=file_mode(member.mode))


def _place(name: str) -> str:
    """Say where a file lies: ``/lib`` and its like are links into ``/usr`` now, also if a package has it otherwise."""
    path = name.removeprefix("./").rstrip("/")
    return f"usr/{path}" if _MERGED.match(path) else path


def _target(path: str, target: str) -> str:
    """Say where a link leads, relative to where it lies, also if the package has it absolute."""
    if not target.startswith("/"):
        return target
    return relpath(_place(target.lstrip("/")), str(PurePosixPath(path).parent))


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, to: Path) -> Path:
    source = tar.extractfile(member)  # follows hard links inside the archive
    if source is None:
        raise ValueError(f"{member.name} leads nowhere")
    with source, to.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    return to


def _text(entry: LayerEntry) -> bytes:
    data = entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes()
    return data if data.endswith(b"\n") else data + b"\n"


def _accounts() -> dict[str, str]:
    return {
        "etc/passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        f"modelyard:x:{USER}:{USER}:modelyard:/tmp:/usr/sbin/nologin\n",
        "etc/group": f"root:x:0:\nmodelyard:x:{USER}:\n",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }


def _status(package: PackageFile) -> LayerEntry:
    return LayerEntry(path=f"var/lib/dpkg/status.d/{package.package.name}", source=package.control.encode())
