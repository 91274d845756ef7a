"""What can keep the slim base image from being made.

::

    ModelyardError
    └── BaseUnavailableError        it cannot be made on this machine, for another reason than those below
        ├── AptMissingError         there is no apt-get
        ├── NoDebianSourceError     APT is told of no mirror of Debian
        ├── UnpackagedPythonError   no release of Debian has that Python
        ├── ReleaseNotServedError   the mirror does not have the release, or not its packages
        ├── MirrorUnreachableError  the mirror does not answer, or refuses
        ├── UntrustedMirrorError    what the mirror serves is not signed with a key of this machine
        └── DamagedPackageError     a package is not what the signed index says, or cannot be read
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import ModelyardError

_OTHERWISE = "or name a base image of a registry or an archive"


class BaseUnavailableError(ModelyardError):
    """The slim base image cannot be made on this machine."""

    code = "base-unavailable"

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"The slim base image cannot be made: {reason}. {remedy}")
        self.reason = reason
        self.remedy = remedy


class AptMissingError(BaseUnavailableError):
    """There is no apt-get on this machine."""

    code = "apt-missing"

    def __init__(self) -> None:
        super().__init__("there is no apt-get here", f"Build on Debian, {_OTHERWISE}.")


class NoDebianSourceError(BaseUnavailableError):
    """APT is told of no mirror of Debian."""

    code = "no-debian-source"

    def __init__(self) -> None:
        super().__init__(
            "none of the sources of this machine's APT is a release of Debian",
            f"Add one below /etc/apt/sources.list.d, {_OTHERWISE}.",
        )


class UnpackagedPythonError(BaseUnavailableError):
    """No release of Debian that is known here has that Python."""

    code = "unpackaged-python"

    def __init__(self, python: str, known: Sequence[str]) -> None:
        super().__init__(
            f"no release of Debian has Python {python[:40]!r}", f"Ask for {' or '.join(known)}, {_OTHERWISE}."
        )
        self.python = python
        self.known = tuple(known)


class ReleaseNotServedError(BaseUnavailableError):
    """The mirror does not have the release, or not its packages for that kind of machine."""

    code = "release-not-served"

    def __init__(self, release: str, explanation: str) -> None:
        super().__init__(
            f"the mirror does not have Debian's {release} ({explanation})",
            f"Tell APT of a mirror that has it, {_OTHERWISE}.",
        )
        self.release = release
        self.explanation = explanation


class MirrorUnreachableError(BaseUnavailableError):
    """The mirror does not answer, or refuses to."""

    code = "mirror-unreachable"

    def __init__(self, explanation: str) -> None:
        super().__init__(
            f"the Debian mirror does not answer ({explanation})",
            f"Check the network and the proxy of APT, and try again; {_OTHERWISE}.",
        )
        self.explanation = explanation


class UntrustedMirrorError(BaseUnavailableError):
    """What the mirror serves is not signed with a key that this machine trusts."""

    code = "untrusted-mirror"

    def __init__(self, explanation: str) -> None:
        super().__init__(
            f"what the mirror serves is not signed with a key of this machine ({explanation})",
            f"Install debian-archive-keyring, {_OTHERWISE}.",
        )
        self.explanation = explanation


class DamagedPackageError(BaseUnavailableError):
    """A package is not what the signed index says, or cannot be read."""

    code = "damaged-package"

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"the package {file} is damaged: {problem}", "It is fetched anew when you try again.")
        self.file = file
        self.problem = problem
