"""What a step is given of a datastore: a path on it, and how it is to be had."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self, get_args

from msgspec import Struct, structs

from modelyard.data.paths import joined, read_prefix
from modelyard.data.transfer import materialise
from modelyard.errors import InvalidValueError

Mode = Literal["mount", "download", "upload"]
"""How data is had where a step runs; whatever it is, the step gets a path of its machine."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class DataReference(Struct, frozen=True):
    """A file or folder of a datastore, to be had by a step.

    Its text, such as ``$AZUREML_DATAREFERENCE_test_data``, stands for the local path in the arguments of a step.

    Parameters
    ----------
    datastore
        A `Datastore`.
    data_reference_name
        Letters, digits and ``_``; by default made of the path.
    path_on_datastore
        By default all of the datastore.
    mode
        ``mount``, ``download`` or ``upload``.
    path_on_compute
        Where it is to be had; by default a folder that is made for it.
    overwrite
        Replace files that are there.

    Raises
    ------
    InvalidValueError
        If a value cannot be; the text says what to write.
    InvalidPathError
        If the path leaves the datastore.
    """

    datastore: Any  # a Datastore, whose methods make references: a name that is not known here when values are made
    data_reference_name: str | None = None
    path_on_datastore: str | None = None
    mode: Mode = "mount"
    path_on_compute: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        _check_datastore(self.datastore)
        path = read_prefix(self.path_on_datastore)
        structs.force_setattr(self, "path_on_datastore", path)
        if self.mode not in get_args(Mode):
            raise InvalidValueError(f"mode {self.mode!r}", f"write {', '.join(map(repr, get_args(Mode)))}")
        if self.data_reference_name is None:
            structs.force_setattr(self, "data_reference_name", _name_for(path or self.datastore.name))
        elif not _NAME.fullmatch(self.data_reference_name):
            reason = "write letters, digits and '_', such as 'test_data'; it does not begin with a digit"
            raise InvalidValueError(f"data_reference_name {self.data_reference_name!r}", reason)

    def as_mount(self) -> Self:
        """Return one that is to be had without copying it first, where that can be done."""
        return structs.replace(self, mode="mount")

    def as_download(self) -> Self:
        """Return one that is copied before the step begins."""
        return structs.replace(self, mode="download")

    def as_upload(self) -> Self:
        """Return one that the step writes, and that is kept when it ends."""
        return structs.replace(self, mode="upload")

    def path(self, sub: str) -> Self:
        """Return one to what is at `sub` below it."""
        below = joined(self.path_on_datastore or "", read_prefix(sub))
        return structs.replace(self, path_on_datastore=below, data_reference_name=None)

    def materialise(self, folder: str | Path) -> Path:
        """Bring it to this machine, below `folder`, and return the path of the file or folder.

        Raises
        ------
        NotFoundError
            If there is nothing at its path.
        """
        return materialise(self.datastore.access, self.datastore.name, self.path_on_datastore or "", Path(folder))

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.data_reference_name}"


class DataPath(Struct, frozen=True):
    """A path on a datastore, before it is said how it is to be had.

    Raises
    ------
    InvalidPathError
        If it leaves the datastore.
    """

    datastore: Any
    path_on_datastore: str = ""
    name: str | None = None

    def __post_init__(self) -> None:
        _check_datastore(self.datastore)
        structs.force_setattr(self, "path_on_datastore", read_prefix(self.path_on_datastore))

    def as_mount(self) -> DataReference:
        """Return a reference that is to be had without copying it first, where that can be done."""
        return self._reference("mount")

    def as_download(self) -> DataReference:
        """Return a reference that is copied before the step begins."""
        return self._reference("download")

    def as_upload(self) -> DataReference:
        """Return a reference that the step writes, and that is kept when it ends."""
        return self._reference("upload")

    def path(self, sub: str) -> Self:
        """Return the path of what is at `sub` below it."""
        return structs.replace(self, path_on_datastore=joined(self.path_on_datastore, read_prefix(sub)))

    def __str__(self) -> str:
        return str(self.as_mount())

    def _reference(self, mode: Mode) -> DataReference:
        return DataReference(self.datastore, self.name, self.path_on_datastore, mode)


def _check_datastore(given: Any) -> None:
    if not hasattr(given, "upload_files"):
        reason = f"give one, such as workspace.get_default_datastore(), not {type(given).__name__} {str(given)[:60]!r}"
        raise InvalidValueError("datastore", reason)


def _name_for(path: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", path.rpartition("/")[2])[:127]
    return f"_{name}" if name[:1].isdigit() else name
