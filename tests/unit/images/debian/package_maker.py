"""Debian packages made by hand."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

COMPRESS = {".xz": lzma.compress, ".gz": gzip.compress, ".bz2": bz2.compress}
CONTROL = "Package: {name}\nSource: {name}-source (1.0)\nVersion: 1:2.0-3\nArchitecture: amd64\nDescription: x\n more\n"


def link(target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def hard_link(target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info


def archive(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """Make the tar archive of files and links; a file whose content is a program may be executed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, content in files.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo()
            info.name = f"./{path}"
            if isinstance(content, bytes):
                info.size, info.mode = len(content), 0o4755 if content.startswith(b"#!") else 0o640
                tar.addfile(info, io.BytesIO(content))
            else:
                tar.addfile(info)
    return buffer.getvalue()


def member(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return header + data + b"\n" * (len(data) % 2)


def make_package(folder: Path, name: str, files: Mapping[str, bytes | tarfile.TarInfo], suffix: str = ".xz") -> Path:
    """Write a package that is compressed as `suffix` says."""
    compress = COMPRESS[suffix]
    path = folder / f"{name}_2.0_amd64.deb"
    path.write_bytes(
        b"!<arch>\n"
        + member("debian-binary", b"2.0\n")
        + member(f"control.tar{suffix}", compress(archive({"control": CONTROL.format(name=name).encode()})))
        + member(f"data.tar{suffix}", compress(archive(files)))
    )
    return path
