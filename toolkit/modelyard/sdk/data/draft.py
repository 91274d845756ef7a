"""Files of which it is said what they are, before they are registered as a data set."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelyard
from modelyard.data.errors import NotTabularError
from modelyard.data.sets.formats import Delimited, Format, JsonLines, Parquet
from modelyard.data.sets.profile import Profile
from modelyard.data.sets.profiling import profile_of
from modelyard.data.sets.tabular import Table, read_table
from modelyard.data.transfer import download
from modelyard.sdk.data.keeping import SaidOfDataset, register
from modelyard.sdk.data.reading import TableReading
from modelyard.sdk.data.selection import LocalSelection, Selection, select

if TYPE_CHECKING:
    from modelyard.sdk.data.dataset import Dataset
    from modelyard.sdk.workspace import Workspace


class DatasetDraft(TableReading):
    """A data set that has no name yet; made by `Dataset.Tabular` and `Dataset.File`."""

    def __init__(self, files: Selection, kind: Format | None) -> None:
        self.selection = files
        self.format = kind

    def register(
        self,
        workspace: Workspace,
        name: str,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        *,
        show_progress: bool = True,
    ) -> Dataset:
        """Register it as the next version of a name, as `Dataset.register` does."""
        said = SaidOfDataset(description=description, tags=tags, show_progress=show_progress)
        version = register(workspace, name, self.selection, said, self.format)
        return modelyard.Dataset.of(workspace, version)

    def to_table(self) -> Table:
        """Read all of it.

        Raises
        ------
        NotTabularError
            If it is files.
        TableNotReadError
            If a file is not such a table, or its columns are not those of the others.
        """
        if self.format is None:
            raise NotTabularError("without a name")
        files = self.selection
        if isinstance(files, LocalSelection):
            return read_table({one.path: one.file for one in files.files}, self.format)
        with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
            download(files.store.access, files.files, Path(folder), overwrite=False, seen=lambda *_: None)
            there = [Path(folder, one.path) for one in files.files]
            return read_table(dict(zip(files.paths, there, strict=True)), self.format)

    def profile(self) -> Profile:
        """Work out what is in its columns."""
        return profile_of(self.to_table())

    def __repr__(self) -> str:
        return f"DatasetDraft({len(self.selection.files)} files, {type(self.format).__name__ if self.format else None})"


class Tabular:
    """Says how files are written that are one table: the same columns in each of them.

    A path is whatever `Dataset.register` takes.
    """

    @staticmethod
    def from_delimited_files(
        path: Any,
        *,
        delimiter: str = ",",
        header: bool = True,
        encoding: str = "utf-8",
        missing: Sequence[str] = ("",),
    ) -> DatasetDraft:
        r"""Take files of delimited text (CSV).

        Parameters
        ----------
        delimiter
            One character, such as ``\t``.
        header
            Whether the first line of each file names the columns; without it they are ``column1``, ``column2``, …
        encoding
            As Python calls it.
        missing
            What a field holds that has no value, such as ``["", "NA"]``.

        Raises
        ------
        InvalidValueError
            If the delimiter or the encoding cannot be.
        NotFoundError
            If there are no such files.
        """
        kind = Delimited(delimiter=delimiter, header=header, encoding=encoding, missing=tuple(missing))
        kind.check()
        return DatasetDraft(select(path), kind)

    @staticmethod
    def from_parquet_files(path: Any) -> DatasetDraft:
        """Take files of Parquet.

        Raises
        ------
        NotFoundError
            If there are no such files.
        """
        return DatasetDraft(select(path), Parquet())

    @staticmethod
    def from_json_lines_files(path: Any) -> DatasetDraft:
        """Take files with one JSON object a line.

        Raises
        ------
        NotFoundError
            If there are no such files.
        """
        return DatasetDraft(select(path), JsonLines())


class Files:
    """Says that files are files, whatever they are called."""

    @staticmethod
    def from_files(path: Any) -> DatasetDraft:
        """Take files as they are.

        Raises
        ------
        NotFoundError
            If there are no such files.
        """
        return DatasetDraft(select(path), None)
