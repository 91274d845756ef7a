"""Making the slim base image: planned and fetched by APT, unpacked by us, one layer.

The same packages give the same digest. What was planned and fetched is kept, so that a base that was made once is made
again without network, until it is asked for afresh.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from modelyard.environments.folder_lock import held
from modelyard.environments.progress import Progress, silent
from modelyard.errors import InvalidValueError, StorageFullError
from modelyard.images.debian.apt import PlannedPackage, PrivateApt
from modelyard.images.debian.contents import AUTHORITIES, USER, base_entries
from modelyard.images.debian.errors import BaseUnavailableError, DamagedPackageError
from modelyard.images.debian.package_file import PackageFile
from modelyard.images.debian.release import ARCHITECTURES, PRESUMED, Release, release_of
from modelyard.images.debian.system import System
from modelyard.images.layers import Layer, write_layer
from modelyard.store.blobs import BlobFolder, free_space, full_disk_explained

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"

_RECIPE = 1
"""Counts up when the same packages come to another image, so that one that is kept is made anew."""

_ROOM = 300 << 20  # bytes for an index, what APT makes of it, and the packages
_PATIENCE = 900.0  # seconds to wait for another process that makes the same base


class SlimBase(Struct, frozen=True, kw_only=True):
    """A base image in the blobs: the digest (``sha256:HEX``) and size of its manifest, and what it is made of."""

    digest: str
    size: int
    config: str
    layer: Layer
    architecture: str
    python: str
    system: System
    media_type: str = MANIFEST


class _Kept(Struct, frozen=True, kw_only=True):
    """What was made last in a folder."""

    recipe: int
    plan: tuple[PlannedPackage, ...]
    base: SlimBase


def make_base(
    architecture: str,
    blobs: BlobFolder,
    *,
    cache: Path,
    python: str = "3.11",
    fresh: bool = False,
    say: Progress = silent,
) -> SlimBase:
    """Make the slim base image for ``amd64`` or ``arm64``, or find that it is there.

    Parameters
    ----------
    cache
        The folder where packages and what APT knows are kept; it may be deleted at any time.
    python
        The version of the interpreter, which decides the release of Debian (`RELEASES`).
    fresh
        Ask the mirror for newer packages, also where a base was made before.
    say
        Is told what takes time.

    Raises
    ------
    BaseUnavailableError
        If it cannot be made here, by its cause.
    InvalidValueError
        If `architecture` is another.
    StorageFullError
        If the disk is full.
    """
    if architecture not in ARCHITECTURES:
        raise InvalidValueError(f"architecture {architecture[:40]!r}", f"it is {' or '.join(ARCHITECTURES)}")
    release = release_of(python)
    folder = cache.absolute() / f"{release.codename}-{architecture}"
    with _held(folder):
        folder.mkdir(exist_ok=True)
        kept = None if fresh else _read(folder)
        if kept is not None and kept.recipe == _RECIPE and not blobs.missing(_digests(kept.base)):
            return kept.base
        apt = PrivateApt(folder, release, architecture)
        plan = kept.plan if kept is not None and not _damaged(apt, kept.plan) else _fetch(apt, release, say)
        say(f"Making the slim base of Python {python} for {architecture} from {len(plan)} Debian packages")
        base = _make([PackageFile.open(apt.archives / one.file) for one in plan], release, architecture, blobs)
        _keep(folder, _Kept(recipe=_RECIPE, plan=plan, base=base))
    return base


def _fetch(apt: PrivateApt, release: Release, say: Progress) -> tuple[PlannedPackage, ...]:
    """Have every package of the base in the archives, as the signed index of today says, and no other."""
    if free_space(apt.archives.parent) < _ROOM:  # apt-get may wait for ever on a disk that becomes full
        raise StorageFullError(str(apt.archives.parent))
    say(f"Asking the mirror for Debian's {release.codename}")
    plan = apt.plan(release.wanted, PRESUMED)
    if bad := _damaged(apt, plan):
        say(f"Fetching {len(bad)} Debian packages, {sum(one.size for one in bad) / 1e6:.0f} MB")
        for one in bad:
            (apt.archives / one.file).unlink(missing_ok=True)  # apt-get looks at the size alone
        apt.download(release.wanted)
    if bad := _damaged(apt, plan):
        raise DamagedPackageError(bad[0].file, f"its sha256 should be {bad[0].sha256}")
    for path in set(apt.archives.glob("*.deb")) - {apt.archives / one.file for one in plan}:
        path.unlink()
    return plan


def _make(packages: list[PackageFile], release: Release, architecture: str, blobs: BlobFolder) -> SlimBase:
    """Write the layer, the configuration and the manifest of a base into the blobs."""
    system = System(distribution=release.distribution, packages=tuple(sorted(package.package for package in packages)))
    with tempfile.TemporaryDirectory(dir=packages[0].path.parent, prefix="unpacked-") as scratch:
        layer = write_layer(base_entries(packages, release.python, Path(scratch)), blobs)
    config = _config(system, release, architecture, layer)
    config_digest, config_size = _put(blobs, config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config_digest, "size": config_size},
        "layers": [{"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size}],
    }
    digest, size = _put(blobs, manifest)
    return SlimBase(
        digest=digest,
        size=size,
        config=config_digest,
        layer=layer,
        architecture=architecture,
        python=release.python,
        system=system,
    )


def _config(system: System, release: Release, architecture: str, layer: Layer) -> dict[str, Any]:
    version = next(one.version for one in system.packages if one.name == f"python{release.python}").partition("-")[0]
    return {
        "created": "1970-01-01T00:00:00Z",
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": [
                "PATH=/usr/local/bin:/usr/bin:/bin",
                "LANG=C.UTF-8",
                f"PYTHON_VERSION={version}",
                f"SSL_CERT_FILE=/{AUTHORITIES}",
            ],
            "Cmd": ["python3"],
            "WorkingDir": "/tmp",  # noqa: S108 - of the image
            "Labels": {
                "org.opencontainers.image.title": "modelyard-base",
                "org.opencontainers.image.description": f"Python {version} of Debian {release.codename}, no shell",
                **system.labels,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "modelyard: Debian packages"}],
    }


def _put(blobs: BlobFolder, document: dict[str, Any]) -> tuple[str, int]:
    data = msgspec.json.encode(document, order="sorted")
    return f"sha256:{blobs.put(data)}", len(data)


def _digests(base: SlimBase) -> list[str]:
    return [digest.removeprefix("sha256:") for digest in (base.digest, base.config, base.layer.digest)]


def _damaged(apt: PrivateApt, plan: tuple[PlannedPackage, ...]) -> list[PlannedPackage]:
    """List the packages that are not in the archives, or are there with another content."""
    return [one for one in plan if not _is(apt.archives / one.file, one.sha256)]


def _is(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _read(folder: Path) -> _Kept | None:
    try:
        return msgspec.json.decode((folder / "made.json").read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _keep(folder: Path, kept: _Kept) -> None:
    (folder / "made.json.new").write_bytes(msgspec.json.encode(kept))
    (folder / "made.json.new").replace(folder / "made.json")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Let one process at a time work in `folder`, and say what the system says of it in words."""
    try:
        with full_disk_explained(folder), held(folder.with_suffix(".lock"), shared=False, timeout=_PATIENCE):
            for remains in folder.glob("archives/unpacked-*"):  # of a process that was killed
                shutil.rmtree(remains, ignore_errors=True)
            yield
    except TimeoutError:
        raise BaseUnavailableError(
            f"another process has been making it for more than {_PATIENCE:g} s", "Wait for it, or end it and try again."
        ) from None
    except OSError as error:
        raise BaseUnavailableError(
            f"{os.fsdecode(error.filename or folder)} cannot be used ({error.strerror})",
            "Name another folder in MODELYARD_CACHE.",
        ) from None
