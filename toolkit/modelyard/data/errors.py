"""What can go wrong with datastores and the files in them.

::

    ModelyardError
    ├── FilesDifferError            files are there with other content, and none may be replaced
    ├── FileChangedError            a file was written to while it was read
    └── FolderMissingError          the folder of a datastore is not on this machine
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import ModelyardError

_NAMED = 5


class FilesDifferError(ModelyardError):
    """Files are there with other content, and nothing said that they may be replaced; nothing was written."""

    code = "files-differ"

    def __init__(self, where: str, paths: Sequence[str]) -> None:
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        super().__init__(
            f"{where} has other content under {', '.join(map(repr, paths[:_NAMED]))}{more}. Nothing was written. "
            "Replace it with overwrite=True (--overwrite), or take another path."
        )
        self.where = where
        self.paths = tuple(paths)


class FileChangedError(ModelyardError):
    """A file was written to while it was read, so what was read is perhaps no state that it ever had."""

    code = "file-changed"

    def __init__(self, file: str) -> None:
        super().__init__(
            f"{file!r} changed while it was read, and was not kept. Upload it again when nobody writes it."
        )
        self.file = file


class FolderMissingError(ModelyardError):
    """The folder of a datastore is not on this machine."""

    code = "folder-missing"

    def __init__(self, datastore: str, path: str) -> None:
        super().__init__(
            f"The datastore {datastore!r} is the folder {path!r}, which is not on this machine. Make or mount it here, "
            "or register the folder that it is here under another name."
        )
        self.datastore = datastore
        self.path = path
