"""The digest of a data set is that of its content, and of nothing else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.data.access import LocalFile
from modelyard.data.sets.content import keep
from modelyard.errors import FileChangedError
from modelyard.store.blobs import BlobFolder

names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=9).filter(
    lambda text: text not in {".", ".."}
)


def quiet(*_: object) -> None:
    """Say nothing."""


def digest(base: Path, files: dict[str, bytes], blobs: BlobFolder) -> str:
    """Register files in the order in which they come."""
    found = []
    for number, (path, content) in enumerate(files.items()):
        (base / str(number)).write_bytes(content)
        found.append(LocalFile(file=base / str(number), path=path, size=len(content)))
    return keep(found, blobs, quiet).digest


@settings(max_examples=40)
@given(st.dictionaries(names, st.binary(max_size=20), min_size=1, max_size=5), st.data())
def test_the_digest_tells_each_byte_and_name_and_no_order(tmp_path_factory, files, data) -> None:
    base = tmp_path_factory.mktemp("digest")
    blobs = BlobFolder(base / "blobs")
    name = data.draw(st.sampled_from(sorted(files)))
    content = files[name]
    at = data.draw(st.integers(0, len(content)))
    before = digest(base, files, blobs)

    assert digest(base, dict(data.draw(st.permutations(list(files.items())))), blobs) == before
    assert digest(base, files | {name: content[:at] + b"x" + content[at:]}, blobs) != before
    if at < len(content):
        assert (
            digest(base, files | {name: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]}, blobs) != before
        )
    renamed = {f"{path}x" if path == name else path: one for path, one in files.items()}
    if len(renamed) == len(files):
        assert digest(base, renamed, blobs) != before


class Swapped:
    """Blobs that find another content than was read."""

    def missing(self, digests: set[str]) -> set[str]:
        return digests

    def put(self, _: Path) -> str:
        return "0" * 64


def test_a_file_that_changes_before_it_is_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(1 << 19))
    with pytest.raises(FileChangedError, match="/f'"):
        keep([LocalFile.at(tmp_path / "f", "f")], Swapped(), quiet)
