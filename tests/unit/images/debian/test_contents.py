"""What of packages goes into a base."""

from pathlib import Path

import pytest
from tests.unit.images.debian.package_maker import hard_link, link, make_package

from modelyard.errors import InvalidPathError
from modelyard.images.debian.contents import base_entries
from modelyard.images.debian.package_file import PackageFile
from modelyard.images.layers import LayerEntry, arrange


def _entries(tmp_path: Path, *listings: dict) -> dict[str, LayerEntry]:
    (tmp_path / "scratch").mkdir()
    packages = [PackageFile.open(make_package(tmp_path, f"p{n}", files)) for n, files in enumerate(listings)]
    return {entry.path: entry for entry in arrange(base_entries(packages, "3.11", tmp_path / "scratch"))}


def _content(entry: LayerEntry) -> bytes:
    return entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes()


def test_libraries_lie_below_usr_also_where_a_package_has_them_elsewhere(tmp_path: Path) -> None:
    files = {"lib/x86_64-linux-gnu/libc.so.6": b"c", "lib64/ld.so.2": link("/lib/x86_64-linux-gnu/libc.so.6")}
    found = _entries(tmp_path, files)

    assert _content(found["usr/lib/x86_64-linux-gnu/libc.so.6"]) == b"c"
    assert found["usr/lib64/ld.so.2"].target == "../lib/x86_64-linux-gnu/libc.so.6"
    assert (found["lib"].target, found["lib64"].target) == ("usr/lib", "usr/lib64")


@pytest.mark.parametrize(
    "path",
    [
        "bin/sh",
        "usr/bin/perl",
        "usr/bin/pdb3.11",
        "usr/sbin/ldconfig",
        "usr/share/doc/libc6/changelog.gz",
        "usr/share/man/man1/python3.1",
        "usr/lib/python3.11/idlelib/idle.py",
        "usr/lib/python3.11/test/regrtest.py",
        "usr/lib/python3.11/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so",
        "usr/lib/python3.11/lib-dynload/readline.cpython-311-x86_64-linux-gnu.so",
        "usr/lib/x86_64-linux-gnu/gconv/UTF-7.so",
        "usr/share/zoneinfo/right/UTC",
        "var/lib/anything",
        "etc/shadow",
    ],
)
def test_what_a_service_does_not_need_is_left_out(tmp_path: Path, path: str) -> None:
    assert path not in _entries(tmp_path, {path: b"x"})


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/python3.11",
        "usr/lib/python3.11/unittest/case.py",
        "usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
        "usr/share/doc/libc6/copyright",
        "usr/share/zoneinfo/Europe/Berlin",
        "etc/mime.types",
    ],
)
def test_what_a_service_needs_is_kept(tmp_path: Path, path: str) -> None:
    assert _content(_entries(tmp_path, {path: b"x"})[path]) == b"x"


def test_only_whether_a_file_is_executable_is_kept_of_its_mode(tmp_path: Path) -> None:
    found = _entries(tmp_path, {"usr/lib/program": b"#!set user", "usr/lib/data": b"x"})

    assert (found["usr/lib/program"].mode, found["usr/lib/data"].mode) == (0o755, 0o644)


def test_hard_links_become_files(tmp_path: Path) -> None:
    found = _entries(
        tmp_path,
        {"usr/share/zoneinfo/posix/UTC": b"utc", "usr/share/zoneinfo/UTC": hard_link("./usr/share/zoneinfo/posix/UTC")},
    )

    assert _content(found["usr/share/zoneinfo/UTC"]) == b"utc"


def test_certificates_are_one_bundle(tmp_path: Path) -> None:
    place = "usr/share/ca-certificates/mozilla"
    found = _entries(tmp_path, {f"{place}/B.crt": b"b", f"{place}/A.crt": b"a\n"})

    assert _content(found["etc/ssl/certs/ca-certificates.crt"]) == b"a\nb\n"
    assert found["usr/lib/ssl/cert.pem"].target == "../../../etc/ssl/certs/ca-certificates.crt"
    assert not any(path.startswith(place) for path in found)


def test_there_is_a_user_for_services_and_a_place_to_write(tmp_path: Path) -> None:
    found = _entries(tmp_path, {})

    assert b"modelyard:x:65532:65532:" in _content(found["etc/passwd"])
    assert b"modelyard:x:65532:" in _content(found["etc/group"])
    assert (found["tmp"].mode, found["var/tmp"].mode) == (0o1777, 0o1777)


def test_each_package_is_named_where_scanners_look(tmp_path: Path) -> None:
    found = _entries(tmp_path, {}, {})

    assert b"Package: p1\n" in _content(found["var/lib/dpkg/status.d/p1"])
    assert "var/lib/dpkg/status.d/p0" in found


def test_a_package_that_would_leave_the_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPathError):
        _entries(tmp_path, {"usr/lib/../../../etc/passwd": b"x"})
