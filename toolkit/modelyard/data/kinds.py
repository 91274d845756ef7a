"""The kinds of datastores: what each needs to be reached."""

from __future__ import annotations

from pathlib import PurePosixPath

from msgspec import Struct

from modelyard.errors import InvalidValueError

BEGINNING = ("workspaceblobstore", "workspacefilestore")
"""The datastores that every workspace has; the first is the default until another is chosen."""


class WorkspaceFiles(Struct, frozen=True, kw_only=True, tag_field="type", tag="workspace"):
    """Files that the workspace itself keeps, by their content."""

    def check(self) -> None:
        """Refuse to be registered.

        Raises
        ------
        InvalidValueError
            Always: there are those that a workspace begins with.
        """
        raise InvalidValueError("kind workspace", f"every workspace has {' and '.join(BEGINNING)}, and no others")


class Folder(Struct, frozen=True, kw_only=True, tag_field="type", tag="folder"):
    """A folder of the machine that uses it; `path` is absolute."""

    path: str

    def check(self) -> None:
        """Check the path.

        Raises
        ------
        InvalidValueError
            If it is not absolute, or not plain.
        """
        path = PurePosixPath(self.path)
        if not path.is_absolute() or ".." in path.parts or "\x00" in self.path:
            raise InvalidValueError(f"folder {self.path!r}", "write its absolute path, without '..'")


Kind = WorkspaceFiles | Folder
"""What a datastore is. Each kind can be checked, and has an adapter, which `opening` knows."""
