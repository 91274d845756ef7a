"""Which release of Debian a base is made of, and which of its packages.

Each Python version comes from the release whose own Python it is: that one gets security updates. APT resolves what
the wanted packages depend on, so that libraries may be split or renamed from release to release; what is needed only
while packages are installed, or for modules that are left out (`contents`), is presumed to be there already, as a
package would be that the administrator made by hand (as with equivs).
"""

from __future__ import annotations

from msgspec import Struct

from modelyard.images.debian.errors import UnpackagedPythonError

ARCHITECTURES = ("amd64", "arm64")
"""The kinds of machines that a base can be made for; Debian and OCI call them the same."""


class Release(Struct, frozen=True, kw_only=True):
    """A release of Debian: its name, its number, and the Python that it has."""

    codename: str
    number: str
    python: str

    @property
    def distribution(self) -> str:
        """What scanners call it."""
        return f"debian-{self.number}"

    @property
    def wanted(self) -> tuple[str, ...]:
        """The packages that a base is made of, with all that they depend on.

        ``libstdc++6`` and ``libgomp1`` are for wheels, which may not bring their own; ``base-files`` says which release
        it is.
        """
        return (f"python{self.python}", "libstdc++6", "libgomp1", "ca-certificates", "tzdata", "base-files")


RELEASES = {
    release.python: release
    for release in (
        Release(codename="bookworm", number="12", python="3.11"),
        Release(codename="trixie", number="13", python="3.13"),
    )
}
"""The releases by the Python that they have."""

PRESUMED = (
    # What packages ask questions with and are configured by; nothing is configured here.
    "awk", "debconf", "dpkg", "install-info", "openssl",
    # readline, curses, dbm, nis and the names of services: a service has no terminal, and no such database.
    "libreadline8", "libreadline8t64", "libncursesw6", "libtinfo6", "libdb5.3", "libdb5.3t64", "libgdbm6",
    "libgdbm6t64", "libnsl2", "libtirpc3", "libtirpc3t64", "netbase",
)  # fmt: skip
"""Packages that APT is told are there, so that it fetches neither them nor what they need."""


def release_of(python: str) -> Release:
    """Find the release that has a version of Python, such as ``3.11``.

    Raises
    ------
    UnpackagedPythonError
        If none has it as its own.
    """
    if python not in RELEASES:
        raise UnpackagedPythonError(python, tuple(RELEASES))
    return RELEASES[python]
