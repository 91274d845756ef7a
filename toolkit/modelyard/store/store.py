"""The store: the rows and the blobs of one workspace, opened together."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from modelyard.store.blobs import BlobFolder
from modelyard.store.database import Database, sqlite_url
from modelyard.store.migration import migrate


class Store:
    """Rows and blobs; what every room's operations stand on."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self.database = database
        self.blobs = BlobFolder(root / "blobs")

    @classmethod
    def open(cls, root: Path, url: str | None = None) -> Self:
        """Open the store in the folder `root`, and bring its rows to this version's schema.

        Parameters
        ----------
        url
            Where the rows are, if not in the SQLite file ``modelyard.db`` of the folder.

        Raises
        ------
        NewerWorkspaceError
            If a newer version wrote it.
        """
        database = Database(url or sqlite_url(root / "modelyard.db"))
        try:
            migrate(database, root / "migrate.lock")
        except BaseException:
            database.close()
            raise
        return cls(root, database)

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()
