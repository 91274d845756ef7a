"""What a run keeps: the part of `Run` that writes and reads files and logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.names import check_path
from modelyard.tracking.files import FileInfo, FileQuery, NewFile, NewFiles
from modelyard.tracking.logs import LogQuery


class RunFiles:
    """The files and logs of a run; `Run` is the class to use."""

    backend: Backend
    id: str

    def upload_file(self, name: str, path_or_stream: str | Path, *, overwrite: bool = False) -> FileInfo:
        """Keep a file under a name, a relative path such as ``outputs/model.pkl``.

        Parameters
        ----------
        overwrite
            Replace the file that has the name; without it other content under the same name is an error.

        Raises
        ------
        InvalidPathError
            If `name` is not a relative path.
        AlreadyExistsError
            If the name is taken by other content.
        """
        self._upload([(check_path(name), Path(path_or_stream))], overwrite=overwrite)
        return next(self._files(path=name))

    def upload_files(self, names: Sequence[str], paths: Sequence[str | Path], *, overwrite: bool = False) -> None:
        """Keep files under names, one of each, all or none."""
        if len(names) != len(paths):
            raise InvalidValueError("upload_files", f"{len(names)} names for {len(paths)} paths")
        self._upload(zip(names, map(Path, paths), strict=True), overwrite=overwrite)

    def upload_folder(self, name: str, path: str | Path, *, overwrite: bool = False) -> None:
        """Keep the files of a folder below the name.

        Raises
        ------
        InvalidValueError
            If `path` is not a folder.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise InvalidValueError(f"folder {str(path)!r}", "it is not a folder that is there")
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        named = [(str(PurePosixPath(name) / file.relative_to(folder).as_posix()), file) for file in files]
        self._upload(named, overwrite=overwrite)

    def download_file(self, name: str, output_file_path: str | Path | None = None) -> Path:
        """Fetch a file, and return where it was written.

        Parameters
        ----------
        output_file_path
            A file, or a folder that is there; by default the name's last part, in the working directory.

        Raises
        ------
        NotFoundError
            If the run has none of that name.
        DigestMismatchError
            If what is kept is damaged.
        """
        info = next(self._files(path=name), None)
        if info is None:
            raise NotFoundError("file", name, self.get_file_names())
        last = PurePosixPath(name).name
        target = Path(last if output_file_path is None else output_file_path)
        target = target / last if target.is_dir() else target
        self.backend.blobs.get(info.sha256, target)
        return target

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | Path = ".",
        output_paths: Sequence[str | Path] | None = None,
        *,
        append_prefix: bool = True,
    ) -> list[Path]:
        """Fetch all files, or those below the folder `prefix`, and return where they were written.

        Parameters
        ----------
        output_paths
            Where to write each, in the order of their names; by default their names below `output_directory`.
        append_prefix
            Keep `prefix` in what is written.
        """
        found = list(self._files(below=prefix))
        cut = 0 if append_prefix or prefix is None else len(prefix.rstrip("/")) + 1
        targets = [Path(p) for p in output_paths or (one.path[cut:] for one in found)]
        if len(targets) != len(found):
            raise InvalidValueError("output_paths", f"{len(targets)} paths for {len(found)} files")
        for one, target in zip(found, targets, strict=True):
            self.backend.blobs.get(one.sha256, Path(output_directory) / target)
        return [Path(output_directory) / target for target in targets]

    def get_file_names(self) -> list[str]:
        """List the names of the run's files."""
        return [one.path for one in self._files()]

    def get_files(self, below: str | None = None) -> list[FileInfo]:
        """List the run's files, or those below a folder, with digest, size and time."""
        return list(self._files(below=below))

    def get_logs(self) -> dict[str, str]:
        """Return the text of each log, by its path; what is not UTF-8 is replaced."""
        found = self.backend.logs.list(self.id).items
        return {one.path: b"".join(self.read_log(one.path)).decode(errors="replace") for one in found}

    def get_all_logs(self, destination: str | Path | None = None) -> list[Path]:
        """Write the logs to files below `destination` (by default a folder of the run's id), and return where."""
        folder = Path(self.id if destination is None else destination)
        written = []
        for one in self.backend.logs.list(self.id).items:
            target = folder / check_path(one.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.writelines(self.read_log(one.path))
            written.append(target)
        return written

    def read_log(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """Read a log from a byte on, piece by piece, up to where it ends now."""
        while True:
            part = self.backend.logs.read(self.id, LogQuery(path=path, offset=offset))
            if not part.data:
                return
            yield part.data
            offset = part.end

    def _upload(self, named: Iterable[tuple[str, Path]], *, overwrite: bool) -> None:
        files = tuple(
            NewFile(path=check_path(name), sha256=self.backend.blobs.put(path), size=path.stat().st_size)
            for name, path in named
        )
        self.backend.files.add(self.id, NewFiles(files=files, replace=overwrite))

    def _files(self, path: str | None = None, below: str | None = None) -> Iterator[FileInfo]:
        cursor: str | None = None
        while True:
            page = self.backend.files.list(self.id, FileQuery(path=path, below=below, cursor=cursor))
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return
