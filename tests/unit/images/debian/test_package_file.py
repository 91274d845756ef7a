"""Reading Debian packages, whole and damaged."""

import gzip
from pathlib import Path

import pytest
from tests.unit.images.debian.package_maker import archive, make_package, member

from modelyard.images.debian.errors import DamagedPackageError
from modelyard.images.debian.package_file import PackageFile
from modelyard.images.debian.system import DebianPackage


@pytest.mark.parametrize("suffix", [".xz", ".gz", ".bz2"])
def test_what_a_package_says_and_holds_is_read(tmp_path: Path, suffix: str) -> None:
    opened = PackageFile.open(make_package(tmp_path, "zlib1g", {"usr/lib/libz.so.1": b"library"}, suffix))

    assert opened.package == DebianPackage(
        name="zlib1g", version="1:2.0-3", architecture="amd64", source="zlib1g-source"
    )
    with opened.contents() as tar:
        assert tar.extractfile("./usr/lib/libz.so.1").read() == b"library"
    assert opened.control.endswith(" more\n")
    assert [path.name for path in tmp_path.iterdir()] == ["zlib1g_2.0_amd64.deb"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>proxy</html>",
        b"!<arch>\n",
        b"!<arch>\n" + b"x" * 60,
        b"!<arch>\n" + member("debian-binary", b"2.0\n"),
        b"!<arch>\n" + member("control.tar.zst", b"(\xb5/\xfd"),
        b"!<arch>\n" + member("control.tar.xz", b"not compressed"),
        b"!<arch>\n" + member("control.tar.gz", gzip.compress(archive({"other": b""}))),
        b"!<arch>\n" + member("control.tar.gz", gzip.compress(archive({"control": b"Package: x\n"}))),
        b"!<arch>\n" + member("control.tar.gz", gzip.compress(archive({"control": b"\xff"}))),
    ],
)
def test_what_is_no_package_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.deb").write_bytes(data)

    with pytest.raises(DamagedPackageError, match=r"bad\.deb"):
        PackageFile.open(tmp_path / "bad.deb")


def test_a_package_that_was_cut_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    path = make_package(tmp_path, "libc6", {"usr/lib/libc.so.6": bytes(range(256)) * 4})
    path.write_bytes(path.read_bytes()[:-60])
    opened = PackageFile.open(path)

    with pytest.raises(DamagedPackageError, match="libc6"), opened.contents():
        pass

    assert list(tmp_path.iterdir()) == [path]
