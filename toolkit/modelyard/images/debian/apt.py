"""apt-get with a state of its own: another release and architecture than the machine's, and nothing of it touched.

The machine's configuration is read first, so that its proxies, credentials and certificates hold; then a file that puts
every folder that apt-get writes into one of ours and takes out hooks, pins and whatever would let unsigned packages
through. apt-get itself checks signatures, resolves dependencies and fetches. mmdebstrap and distroless do it alike.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from modelyard.environments.process import run
from modelyard.errors import InvalidPathError
from modelyard.images.debian.diagnosis import diagnose
from modelyard.images.debian.errors import (
    AptMissingError,
    BaseUnavailableError,
    MirrorUnreachableError,
    NoDebianSourceError,
)
from modelyard.images.debian.release import Release

_CONFIGURATION = """\
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "{folder}/archives";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::Assume-Yes "true";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear AptCli;
#clear DPkg;
"""
_SOURCE = """\
Types: deb
URIs: {address}
Suites: {suite}
Components: main
Targets: Packages
"""
_PRESUMED = """\
Package: {name}
Status: install ok installed
Version: 99:0
Architecture: {architecture}
Maintainer: nobody
Description: presumed to be there
"""

_SUITE = re.compile(r"(?:bullseye|bookworm|trixie|forky|duke|sid|testing|(?:old)*stable)(?P<part>-updates|-security)?")
_SIGNED_BY = re.compile(r"signed-by[=:]\s*(/[^\s,\]]+)", re.IGNORECASE)
_KEYRINGS = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")
_PLANNED = re.compile(r"'[^']+' (?P<file>\S+\.deb) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})")
_TIMEOUT = 600.0


class PlannedPackage(Struct, frozen=True, kw_only=True, order=True):
    """A package's file as the signed index has it."""

    file: str
    size: int
    sha256: str


class PrivateApt:
    """apt-get whose state is below `folder`, for one release of Debian and one kind of machine."""

    def __init__(self, folder: Path, release: Release, architecture: str) -> None:
        if re.search(r'["\n]', str(folder)):
            raise InvalidPathError(str(folder), "APT's configuration cannot hold its quotes and line breaks")
        self.archives = folder / "archives"
        self._folder = folder
        self._release = release
        self._architecture = architecture

    def plan(self, wanted: Sequence[str], presumed: Iterable[str]) -> tuple[PlannedPackage, ...]:
        """Fetch the release's signed index, and say which packages `wanted` comes to when `presumed` is there.

        Raises
        ------
        BaseUnavailableError
            If that cannot be known, by its cause.
        """
        self._lay_out(presumed)
        self._run("update")
        elsewhere = self._folder / "empty"  # what is in the archives already would not be named
        shutil.rmtree(elsewhere, ignore_errors=True)
        (elsewhere / "partial").mkdir(parents=True)
        named = self._run("-o", f"Dir::Cache::archives={elsewhere}", "install", "--print-uris", *wanted)
        found = [match for match in map(_PLANNED.match, named.splitlines()) if match is not None]
        if len(found) < len(wanted):
            raise BaseUnavailableError("apt-get does not name the packages", "It has to be APT 2.2 or newer.")
        return tuple(sorted(PlannedPackage(file=m["file"], size=int(m["size"]), sha256=m["sha256"]) for m in found))

    def download(self, wanted: Sequence[str]) -> None:
        """Fetch what `plan` named into `archives`, but for what is there.

        Raises
        ------
        BaseUnavailableError
            If it cannot be had, by its cause.
        """
        self._run("install", "--download-only", *wanted)

    def _lay_out(self, presumed: Iterable[str]) -> None:
        folder, architecture = self._folder, self._architecture
        for name in ("state", "lists/partial", "cache", "archives/partial", "sources"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "apt.conf").write_text(_CONFIGURATION.format(folder=folder, architecture=architecture))
        status = "\n".join(_PRESUMED.format(name=name, architecture=architecture) for name in presumed)
        (folder / "status").write_text(status)
        (folder / "sources" / "debian.sources").write_text("\n".join(self._sources()))

    def _sources(self) -> list[str]:
        """Give the machine's own sources of Debian, of our release in place of the machine's.

        Raises
        ------
        NoDebianSourceError
            If it has none.
        """
        form = "$(RELEASE) $(REPO_URI) $(COMPONENT) $(SOURCESENTRY)"
        listed = self._apt_get("indextargets", "--no-release-info", "--format", form, "Created-By: Packages")
        found: dict[str, set[str]] = {}
        for line in listed.splitlines():
            release, address, component, entry = line.split(" ", 3)
            suite = _SUITE.fullmatch(release)
            if suite is None or component != "main":
                continue
            stanza = _SOURCE.format(address=address, suite=self._release.codename + (suite["part"] or ""))
            found.setdefault(stanza, set()).update(_keyrings(Path(entry.rpartition(":")[0])))
        if not any(f"Suites: {self._release.codename}\n" in stanza for stanza in found):
            raise NoDebianSourceError
        return [f"{stanza}Signed-By: {','.join(sorted(keys))}\n" if keys else stanza for stanza, keys in found.items()]

    def _run(self, *arguments: str) -> str:
        return self._apt_get("-c", str(self._folder / "apt.conf"), "-q", *arguments)

    def _apt_get(self, *arguments: str) -> str:
        program = shutil.which("apt-get")
        if program is None:
            raise AptMissingError
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            environment = {**os.environ, "LC_ALL": "C.UTF-8"}
            finished = run([program, *arguments], timeout=_TIMEOUT, environment=environment, folder=self._folder)
        except TimeoutError:
            raise MirrorUnreachableError(f"it took more than {_TIMEOUT:g} s") from None
        if finished.status != 0:
            raise diagnose(finished.stderr, self._release.codename, self._folder)
        return finished.stdout


def _keyrings(source: Path) -> set[str]:
    """Name the key rings for a source: that of Debian's archive, and those that the file of the source names."""
    known = {str(path) for name in _KEYRINGS if (path := Path("/usr/share/keyrings", name)).exists()}
    try:
        named = _SIGNED_BY.findall(source.read_text())
    except (OSError, UnicodeDecodeError):
        named = []
    return known | {path for path in named if Path(path).exists()}
