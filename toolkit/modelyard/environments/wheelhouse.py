"""Private wheels, kept by the digest of their bytes: what a resolver finds where no index has them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from modelyard.environments.contents import PrivateWheel
from modelyard.environments.errors import PrivateWheelError


class Wheelhouse:
    """A folder of wheels, each at ``SHA256/FILENAME``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, path: str | Path) -> PrivateWheel:
        """Keep a wheel, and say under which name and digest.

        Raises
        ------
        PrivateWheelError
            If it cannot be read, or is not named as wheels are.
        """
        path = Path(path)
        pinned_requirement(path.name)
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise PrivateWheelError(path.name, f"it cannot be read ({error.strerror}).") from None
        wheel = PrivateWheel(filename=path.name, sha256=sha256)
        if not (kept := self._path(wheel)).exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._root) as folder:
                shutil.copyfile(path, copy := Path(folder, path.name))
                copy.rename(kept)
        return wheel

    def get(self, wheel: PrivateWheel) -> Path:
        """Say where a wheel is, its digest checked.

        Raises
        ------
        PrivateWheelError
            If it is not there, or its bytes are not those of its digest.
        """
        path = self._path(wheel)
        if not path.is_file():
            raise PrivateWheelError(wheel.filename, "it is not on this machine; add it again.")
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual != wheel.sha256:
            raise PrivateWheelError(
                wheel.filename, f"its sha256 should be {wheel.sha256} and is {actual}; add it again."
            )
        return path

    def lay_out(self, wheels: Sequence[PrivateWheel], folder: Path) -> None:
        """Put wheels into one flat folder, as links where the file system has them."""
        for wheel in wheels:
            path = self.get(wheel)
            try:
                os.link(path, folder / wheel.filename)
            except OSError:
                shutil.copyfile(path, folder / wheel.filename)

    def _path(self, wheel: PrivateWheel) -> Path:
        return self._root / wheel.sha256 / wheel.filename


def pinned_requirement(filename: str) -> tuple[str, str]:
    """Read the name and the version out of a wheel's file name.

    Raises
    ------
    PrivateWheelError
        If it is not named as wheels are.
    """
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        raise PrivateWheelError(filename, "a wheel is named NAME-VERSION-PYTHON-ABI-PLATFORM.whl.") from None
    return str(name), str(version)
