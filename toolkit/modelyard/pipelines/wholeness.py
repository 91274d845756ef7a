"""Whether what steps have written is there and undamaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from modelyard.errors import DigestMismatchError, MissingBlobError
from modelyard.pipelines.run import StepOutput
from modelyard.store.blobs import BlobFolder, digest_of
from modelyard.store.tree import Tree


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with the outputs of a step, as it is told: see `explanation`."""

    because: Literal["missing", "damaged"]
    detail: str


class Wholeness:
    """Finds out whether what was kept is there and undamaged; what has not changed since is not read again."""

    def __init__(self, blobs: BlobFolder) -> None:
        self._blobs = blobs
        self._seen: dict[str, tuple[int, int, int]] = {}

    def fault(self, outputs: Mapping[str, StepOutput]) -> Fault | None:
        """Say what is wrong with outputs; None if nothing is. A damaged file is removed, so that it can come anew."""
        for name, output in outputs.items():
            try:
                tree = Tree.decode(self._blobs.read(output.tree), output.tree)
                digests = sorted({entry.sha256 for entry in tree.entries if entry.sha256})
                known = {one for one in digests if one in self._seen and self._seen[one] == self._identity(one)}
                if missing := self._blobs.missing(digests):  # which changes the times of those that are kept
                    return Fault(because="missing", detail=f"output {name!r}: {len(missing)} of its files")
                for digest in digests:
                    self._check(digest, is_known=digest in known)
            except (MissingBlobError, FileNotFoundError):
                return Fault(because="missing", detail=f"output {name!r}")
            except DigestMismatchError as error:
                self._blobs.path(error.expected).unlink(missing_ok=True)
                return Fault(because="damaged", detail=f"output {name!r}")
        return None

    def _check(self, digest: str, *, is_known: bool) -> None:
        if not is_known and (actual := digest_of(self._blobs.path(digest))) != digest:
            raise DigestMismatchError(f"blob {digest}", digest, actual)
        self._seen[digest] = self._identity(digest)

    def _identity(self, digest: str) -> tuple[int, int, int]:
        status = self._blobs.path(digest).stat()
        return (status.st_ino, status.st_mtime_ns, status.st_size)
