"""Archives whose headers were made on purpose."""

import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from modelyard.images.oci import source
from modelyard.images.oci.errors import InvalidArchiveError
from modelyard.images.oci.source import TarSource, opened, read_small


def _archive(file: Path, *members: tuple[str, str | bytes | None]) -> Path:
    """Make an archive of files (bytes), links (text) and devices (None)."""
    with tarfile.open(file, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = (tarfile.SYMTYPE, content) if content else (tarfile.CHRTYPE, "")
                tar.addfile(info)
    return file


def test_links_within_an_archive_are_followed(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "a", ("x/layer.tar", b"layer"), ("y/layer.tar", "../x/layer.tar"))

    with opened(archive) as found:
        assert found.has("./y/layer.tar".removeprefix("./"))
        assert read_small(found, "y/layer.tar") == read_small(found, "./x/layer.tar") == b"layer"


def test_a_second_name_of_a_file_is_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a", "w") as tar:
        info = tarfile.TarInfo("x")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"it"))
        link = tarfile.TarInfo("y/z")
        link.type, link.linkname = tarfile.LNKTYPE, "x"
        tar.addfile(link)

    with opened(tmp_path / "a") as found:
        assert read_small(found, "y/z") == b"it"


@pytest.mark.parametrize("target", ["a", "../../etc/passwd", "/etc/passwd", "none", "b"])
def test_links_to_nowhere_and_in_circles_are_refused(tmp_path: Path, target: str) -> None:
    archive = _archive(tmp_path / "a", ("a", target), ("b", "a"))

    with opened(archive) as found, pytest.raises(InvalidArchiveError):
        found.open("a")


def test_a_device_is_no_file(tmp_path: Path) -> None:
    with opened(_archive(tmp_path / "a", ("zero", None))) as found, pytest.raises(InvalidArchiveError, match="no file"):
        found.open("zero")


def test_a_member_of_negative_size_is_refused(tmp_path: Path) -> None:
    """Reading such an archive goes round in a circle unless somebody counts."""
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"  # minus 1024, in the form for large numbers
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a").write_bytes(bytes(header) * 4 + bytes(1024))

    with pytest.raises(InvalidArchiveError), opened(tmp_path / "a") as found:
        found.open("a")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_that_calls_itself_large_is_not_taken_into_memory(tmp_path: Path, kind: bytes) -> None:
    """The file has holes, so that it is small and what it promises is there."""
    info = tarfile.TarInfo("a")
    info.type, info.size = kind, 1 << 33
    with (tmp_path / "a").open("wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(1 << 34)

    tracemalloc.start()
    with pytest.raises(InvalidArchiveError), TarSource(tmp_path / "a"):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 1 << 20


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_MEMBERS", 3)
    archive = _archive(tmp_path / "a", *((str(number), b"") for number in range(4)))

    with pytest.raises(InvalidArchiveError, match="more than 3 members"), TarSource(archive):
        pass


def test_a_document_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "index.json").open("wb") as file:
        file.truncate(1 << 40)

    with opened(tmp_path) as found, pytest.raises(InvalidArchiveError, match="more than"):
        read_small(found, "index.json")
