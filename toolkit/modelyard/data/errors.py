"""What can go wrong with datastores and the files in them.

::

    ModelyardError
    ├── FilesDifferError            files are there with other content, and none may be replaced
    ├── FileChangedError            a file was written to while it was read
    ├── FolderMissingError          the folder of a datastore is not on this machine
    ├── CredentialReferenceError    a credential is not given by a reference
    ├── CredentialMissingError      nothing is where a reference says
    ├── DatastoreRefusedError       the store does not take the credential
    ├── DatastoreFailedError        the store does not answer as it should
    ├── DatasetChangedError         a file of a data set is not what was registered
    ├── NotTabularError             a data set is files, and was asked for its table
    └── TableNotReadError           files are not the table that they should be
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


class CredentialReferenceError(ModelyardError):
    """Something else than a reference is given, perhaps the credential itself, which is not shown."""

    code = "credential-reference"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} says where the credential is, not what it is: write env:NAME, file:/absolute/path or "
            "keyring:SERVICE/USER. It is read where and when it is used."
        )
        self.what = what


class CredentialMissingError(ModelyardError):
    """No credential is where its reference says."""

    code = "credential-missing"

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(f"No credential is at {reference!r}: {reason}. Put it there on this machine, and try again.")
        self.reference = reference
        self.reason = reason


class DatastoreRefusedError(ModelyardError):
    """The store behind a datastore does not take the credential, or does not permit what was asked."""

    code = "datastore-refused"

    def __init__(self, datastore: str, reason: str) -> None:
        super().__init__(
            f"The store of the datastore {datastore!r} refuses: {reason}. Look at its credential and rights."
        )
        self.datastore = datastore
        self.reason = reason


class DatastoreFailedError(ModelyardError):
    """The store behind a datastore does not answer, or not as it should, however often it was asked."""

    code = "datastore-failed"

    def __init__(self, datastore: str, reason: str) -> None:
        super().__init__(
            f"The store of the datastore {datastore!r} failed: {reason}. Files that were sent are whole; the same call "
            "goes on from there."
        )
        self.datastore = datastore
        self.reason = reason


class DatasetChangedError(ModelyardError):
    """A file of a data set that stays where it is has changed since it was registered, or is gone."""

    code = "dataset-changed"

    def __init__(self, dataset: str, path: str, recorded: str, there: str) -> None:
        super().__init__(
            f"{path!r} of the data set {dataset!r} is not what was registered: recorded is {recorded}, there is "
            f"{there}. Put the file back, or register what is there as a new version."
        )
        self.dataset = dataset
        self.path = path
        self.recorded = recorded
        self.there = there


class NotTabularError(ModelyardError):
    """A data set is files, and was asked for what only a table has."""

    code = "not-tabular"

    def __init__(self, dataset: str) -> None:
        super().__init__(
            f"The data set {dataset!r} is files, not a table. Download them, or register them as a table with "
            "Dataset.Tabular.from_delimited_files, from_parquet_files or from_json_lines_files (--format)."
        )
        self.dataset = dataset


class TableNotReadError(ModelyardError):
    """Files are not the table that they should be."""

    code = "table-not-read"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"{file!r} cannot be read as a table: {reason}. Mend the file, say how it is written (delimiter, header, "
            "encoding), or register it as files with Dataset.File.from_files (--format files)."
        )
        self.file = file
        self.reason = reason
