"""Making slim bases with the real apt-get: the same digest each time, and each failure in words."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from tests.ports import free_port

import modelyard
from modelyard.errors import InvalidPathError, InvalidValueError, StorageFullError
from modelyard.images.debian.errors import (
    AptMissingError,
    BaseUnavailableError,
    MirrorUnreachableError,
    NoDebianSourceError,
    ReleaseNotServedError,
    UnpackagedPythonError,
    UntrustedMirrorError,
)
from modelyard.images.debian.slim import make_base
from modelyard.store.blobs import BlobFolder

MAKE = """
import sys
from pathlib import Path
from modelyard.images.debian.slim import make_base
from modelyard.store.blobs import BlobFolder
print(make_base("arm64", BlobFolder(Path(sys.argv[2])), cache=Path(sys.argv[1])).digest)
"""
RELEASE = "Origin: Debian\nSuite: stable\nCodename: bookworm\nArchitectures: amd64 arm64\nComponents: main\nSHA256:\n"


@pytest.fixture
def kept(slim, base_cache: Path, tmp_path: Path) -> Path:
    """Give a cache of the test's own in which a base of arm64 was made."""
    slim("3.11", "arm64")
    copy = tmp_path / "cache"
    shutil.copytree(base_cache / "bookworm-arm64", copy / "bookworm-arm64", ignore=shutil.ignore_patterns("partial"))
    return copy


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give what makes apt-get take other sources, and no setting, for the machine's."""

    def configure(source: str, *settings: str) -> None:
        (tmp_path / "machine").mkdir()
        (tmp_path / "machine" / "a.list").write_text(source)
        lines = ('Dir::Etc::parts "/dev/null"', 'Dir::Etc::main "/dev/null"', 'Dir::Etc::sourcelist "/dev/null"',
                 f'Dir::Etc::sourceparts "{tmp_path}/machine"', *settings)  # fmt: skip
        (tmp_path / "machine.conf").write_text("".join(f"{line};\n" for line in lines))
        monkeypatch.setenv("APT_CONFIG", str(tmp_path / "machine.conf"))

    return configure


@pytest.fixture
def mirror() -> Iterator[Callable[[dict[str, bytes]], str]]:
    """Give what serves files, by the end of their paths, as a mirror does."""
    servers = []

    def serve(files: dict[str, bytes]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = next((data for end, data in files.items() if self.path.endswith(end)), None)
                self.send_response(404 if data is None else 200)
                self.send_header("content-length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"deb http://127.0.0.1:{server.server_port}/debian bookworm main\n"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def _machine_state() -> dict[str, int]:
    """Say when the machine's own APT and dpkg last changed anything."""
    places = ("/var/lib/apt/lists", "/var/lib/dpkg/status", "/var/cache/apt", "/var/cache/apt/archives")
    return {place: Path(place).stat().st_mtime_ns for place in places if Path(place).exists()}


def test_made_elsewhere_from_a_new_index_it_has_the_same_digest(slim, base_cache: Path, tmp_path: Path, blobs) -> None:
    before, told = _machine_state(), []
    known = make_base("arm64", BlobFolder(tmp_path / "other"), cache=base_cache, fresh=True)

    made = make_base("arm64", blobs, cache=tmp_path / "a cache", say=told.append)

    assert made == known
    assert _machine_state() == before
    assert [line.split()[0] for line in told] == ["Asking", "Fetching", "Making"]


def test_what_was_made_is_found(slim, base_cache: Path, base_blobs: BlobFolder) -> None:
    made, told = slim("3.11", "arm64"), []

    assert make_base("arm64", base_blobs, cache=base_cache, say=told.append) == made
    assert told == []


def test_what_was_made_once_is_made_again_without_network(slim, kept: Path, blobs, machine) -> None:
    machine("deb http://nowhere.invalid/debian bookworm main\n")

    assert make_base("arm64", blobs, cache=kept) == slim("3.11", "arm64")


def test_a_damaged_package_is_fetched_anew(slim, kept: Path, blobs) -> None:
    package = next((kept / "bookworm-arm64" / "archives").glob("tzdata*.deb"))
    package.write_bytes(bytes(package.stat().st_size))

    assert make_base("arm64", blobs, cache=kept, fresh=True) == slim("3.11", "arm64")


def test_a_record_that_cannot_be_read_is_made_anew(slim, kept: Path, blobs) -> None:
    (kept / "bookworm-arm64" / "made.json").write_text("{")

    assert make_base("arm64", blobs, cache=kept) == slim("3.11", "arm64")


def _as_nobody(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder / "packages")}
    return subprocess.run(
        command, user=65534, group=65534, extra_groups=[], umask=0o077, env=environment, cwd=folder,
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """Give a folder of another user's, with the packages that are needed, where no run of pytest shuts others out."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the other tests are run by an ordinary one then")
    folder = Path(tempfile.mkdtemp(prefix="modelyard-nobody-"))
    folder.chmod(0o755)
    for package in (modelyard, msgspec):
        source = Path(package.__file__).parent
        shutil.copytree(source, folder / "packages" / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "own").mkdir()
    os.chown(folder / "own", 65534, 65534)
    yield folder
    shutil.rmtree(folder)


def test_an_ordinary_user_makes_the_same(slim, nobodys: Path) -> None:
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for program in (sys.executable, "/usr/bin/python3"):  # the first may lie in a folder of root's alone
        try:
            if _as_nobody(program, "-c", version, folder=nobodys).returncode == 0:
                break
        except PermissionError:
            continue
    else:
        pytest.skip("no interpreter that another user may start")

    own = nobodys / "own"
    done = _as_nobody(program, "-c", MAKE, str(own / "cache"), str(own / "blobs"), folder=nobodys)

    assert done.stdout.strip() == slim("3.11", "arm64").digest, done.stderr


def test_one_that_was_killed_leaves_nothing_in_the_way(slim, kept: Path, tmp_path: Path, blobs) -> None:
    (kept / "bookworm-arm64" / "made.json").unlink()
    process = subprocess.Popen([sys.executable, "-c", MAKE, str(kept), str(tmp_path / "killed")])
    deadline = time.monotonic() + 300
    while not list((kept / "bookworm-arm64" / "archives").glob("unpacked-*/*")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()

    assert make_base("arm64", blobs, cache=kept) == slim("3.11", "arm64")
    assert list((kept / "bookworm-arm64" / "archives").glob("unpacked-*")) == []


def test_two_processes_at_once_make_one(slim, kept: Path, tmp_path: Path) -> None:
    (kept / "bookworm-arm64" / "made.json").unlink()
    command = [sys.executable, "-c", MAKE, str(kept), str(tmp_path / "blobs")]

    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    assert {process.communicate(timeout=500)[0].strip() for process in both} == {slim("3.11", "arm64").digest}


def test_without_apt_get_it_says_so(tmp_path: Path, blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(AptMissingError, match="no apt-get here"):
        make_base("amd64", blobs, cache=tmp_path / "cache")


def test_without_network_it_says_so(base_cache, tmp_path: Path, blobs, machine) -> None:
    machine(f"deb http://127.0.0.1:{free_port()}/debian bookworm main\n")

    with pytest.raises(MirrorUnreachableError, match="Check the network"):
        make_base("amd64", blobs, cache=tmp_path / "cache")


def test_the_machines_proxy_is_used(base_cache, tmp_path: Path, blobs, machine) -> None:
    port = free_port()
    machine("deb http://mirror.invalid/debian bookworm main\n", f'Acquire::http::Proxy "http://127.0.0.1:{port}"')

    with pytest.raises(MirrorUnreachableError, match=f"{port}"):
        make_base("amd64", blobs, cache=tmp_path / "cache")


def test_a_mirror_without_the_release_is_told(base_cache, tmp_path: Path, blobs, machine, mirror) -> None:
    machine(mirror({}))

    with pytest.raises(ReleaseNotServedError, match="trixie"):
        make_base("amd64", blobs, cache=tmp_path / "cache", python="3.13")


@pytest.mark.parametrize("option", ["", "[trusted=yes] ", "[allow-insecure=yes] "])
def test_a_mirror_without_signature_is_not_trusted(base_cache, tmp_path, blobs, machine, mirror, option: str) -> None:
    source = mirror({"/Release": RELEASE.encode(), "/Packages": b"", "/Packages.xz": b""})
    machine(source.replace("deb ", f"deb {option}"), 'Acquire::AllowInsecureRepositories "true"')

    with pytest.raises(UntrustedMirrorError, match="debian-archive-keyring"):
        make_base("amd64", blobs, cache=tmp_path / "cache")


@pytest.mark.parametrize("sources", ["", "deb http://a.invalid noble main", "deb http://a.invalid sid-updates main"])
def test_a_machine_without_a_mirror_of_debian_is_told(base_cache, tmp_path, blobs, machine, sources: str) -> None:
    machine(f"{sources}\n")

    with pytest.raises(NoDebianSourceError, match=r"sources\.list\.d"):
        make_base("amd64", blobs, cache=tmp_path / "cache")


def test_hooks_of_the_machine_are_not_run(base_cache, tmp_path: Path, blobs, machine) -> None:
    names = ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
    hooks = [f'APT::Update::{name} {{ "touch {tmp_path}/hooked"; }}' for name in names]
    machine(f"deb http://127.0.0.1:{free_port()}/debian bookworm main\n", *hooks)

    with pytest.raises(MirrorUnreachableError):
        make_base("amd64", blobs, cache=tmp_path / "cache")

    assert not (tmp_path / "hooked").exists()


def test_a_disk_that_is_full_is_told(slim, kept: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    try:
        with pytest.raises(StorageFullError, match="disk"):
            make_base("arm64", BlobFolder(tmp_path / "blobs"), cache=disk / "cache")
        with pytest.raises(StorageFullError, match="disk"):
            make_base("arm64", BlobFolder(disk / "blobs"), cache=kept)
        assert list((disk / "blobs" / "incoming").iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_cache_that_cannot_be_used_is_told(base_cache, tmp_path: Path, blobs) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(BaseUnavailableError, match="MODELYARD_CACHE"):
        make_base("amd64", blobs, cache=tmp_path / "file")


def test_a_cache_whose_name_would_be_read_as_configuration_is_refused(tmp_path: Path, blobs) -> None:
    with pytest.raises(InvalidPathError, match="quotes"):
        make_base("amd64", blobs, cache=tmp_path / 'x";DPkg::Pre-Invoke "true')


def test_what_nobody_makes_is_refused(tmp_path: Path, blobs) -> None:
    with pytest.raises(InvalidValueError, match="amd64 or arm64"):
        make_base("sparc", blobs, cache=tmp_path)
    with pytest.raises(UnpackagedPythonError, match=r"3\.12"):
        make_base("amd64", blobs, cache=tmp_path, python="3.12")
    assert list(tmp_path.iterdir()) == []
