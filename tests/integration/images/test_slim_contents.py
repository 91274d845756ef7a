"""What a real slim base is made of; that of another architecture is read, since it does not run here."""

import json
import tarfile
from posixpath import dirname, join, normpath

import pytest
from tests.integration.images import elf

from modelyard.images.debian.contents import USER
from modelyard.images.debian.system import System

BASES = [("3.11", "amd64"), ("3.11", "arm64"), ("3.13", "amd64")]
LARGEST = 18_000_000


@pytest.fixture(scope="module", params=BASES, ids="-".join)
def base(request, slim):
    return slim(*request.param)


@pytest.fixture(scope="module")
def config(base, base_blobs) -> dict:
    return json.loads(base_blobs.read(base.config.removeprefix("sha256:")))


@pytest.fixture(scope="module")
def root(base, base_blobs) -> dict[str, tarfile.TarInfo | bytes]:
    """Give the members of the layer by path, files as their content."""
    archive = base_blobs.path(base.layer.digest.removeprefix("sha256:"))
    with tarfile.open(archive) as tar:
        return {one.name: tar.extractfile(one).read() if one.isreg() else one for one in tar}


def _programs(root: dict) -> dict[str, bytes]:
    return {path: data for path, data in root.items() if isinstance(data, bytes) and data.startswith(b"\x7fELF")}


def _resolve(root: dict, path: str, depth: int = 20) -> str:
    """Follow links, also those that folders above are."""
    done = ""
    for part in normpath(path).split("/"):
        done = normpath(join(done, part))
        found = root.get(done)
        if isinstance(found, tarfile.TarInfo) and found.issym() and depth:
            done = _resolve(root, join(dirname(done), found.linkname), depth - 1)
    return done


def test_it_is_small(base) -> None:
    print(f"{base.python} {base.architecture}: {base.layer.size / 1e6:.1f} MB, {len(base.system.packages)} packages")

    assert base.layer.size < LARGEST


def test_every_program_is_for_its_machine_and_has_its_libraries(base, root) -> None:
    programs = _programs(root)
    there = {path.rpartition("/")[2] for path in root}

    assert len(programs) > 50
    assert {elf.machine(data) for data in programs.values()} == {base.architecture}
    assert {(path, name) for path, data in programs.items() for name in elf.needed(data) if name not in there} == set()


def test_nothing_but_python_can_be_started(base, root) -> None:
    started = {path for path in root if path.startswith(("usr/bin/", "usr/sbin/", "usr/local/"))}

    assert started == {"usr/bin/python3", f"usr/bin/python{base.python}"}


def test_every_link_leads_somewhere(root) -> None:
    links = {path for path, found in root.items() if isinstance(found, tarfile.TarInfo) and found.issym()}

    assert len(links) > 10
    assert {path for path in links if _resolve(root, path) not in root} == set()


def test_nothing_sets_a_user_and_only_tmp_is_written_by_all(base, base_blobs) -> None:
    with tarfile.open(base_blobs.path(base.layer.digest.removeprefix("sha256:"))) as tar:
        members = tar.getmembers()

    assert [one.name for one in members if one.mode & 0o6000] == []
    assert {one.name for one in members if one.mode & 0o002 and not one.issym()} == {"tmp", "var/tmp"}
    assert {(one.uid, one.gid, one.mtime) for one in members} == {(0, 0, 0)}


def test_licences_stay_with_what_they_are_of(base, root) -> None:
    without = {
        one.name for one in base.system.packages if _resolve(root, f"usr/share/doc/{one.name}/copyright") not in root
    }

    assert without == set()


def test_its_labels_name_the_distribution_and_every_package(base, config, root) -> None:
    system = System.find(config["config"]["Labels"])
    listed = {path.rpartition("/")[2] for path in root if path.startswith("var/lib/dpkg/status.d/")}

    assert system == base.system
    assert {one.name for one in system.packages} == listed
    assert {"libc6", "libstdc++6", "libgomp1", "tzdata", f"python{base.python}"} <= listed
    assert {one.architecture for one in system.packages} <= {base.architecture, "all"}
    release = dict(line.split(b"=", 1) for line in root["usr/lib/os-release"].splitlines())
    assert system.distribution == f"debian-{release[b'VERSION_ID'].decode().strip(chr(34))}"


def test_its_configuration_says_what_runs_in_it(base, config) -> None:
    environment = dict(one.split("=", 1) for one in config["config"]["Env"])

    assert (config["architecture"], config["os"], config["config"]["User"]) == (
        base.architecture, "linux", f"{USER}:{USER}",
    )  # fmt: skip
    assert environment["PYTHON_VERSION"].startswith(f"{base.python}.")
    assert environment["SSL_CERT_FILE"] == "/etc/ssl/certs/ca-certificates.crt"
    assert environment["LANG"] == "C.UTF-8"


def test_its_manifest_names_one_layer_and_the_configuration(base, base_blobs) -> None:
    document = base_blobs.read(base.digest.removeprefix("sha256:"))
    manifest = json.loads(document)

    assert base.size == len(document)
    assert manifest["layers"] == [
        {"mediaType": base.layer.media_type, "digest": base.layer.digest, "size": base.layer.size}
    ]
    assert manifest["config"]["digest"] == base.config
    assert manifest["mediaType"] == base.media_type
