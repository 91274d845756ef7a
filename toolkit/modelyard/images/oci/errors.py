"""What can go wrong with images in registries, folders and archives.

::

    ModelyardError
    ├── InvalidImageReferenceError    text is not REGISTRY/REPOSITORY:TAG, ...
    ├── InvalidDocumentError          a manifest, index or configuration is not as it should be
    ├── InvalidArchiveError           a file or folder holds no image that can be read
    ├── PlatformNotFoundError         an image is not there for that kind of machine
    ├── DockerConfigError             docker's config.json cannot be read
    ├── CredentialHelperError         a program that keeps credentials failed
    └── RegistryError                 something between us and a registry
        ├── RegistryUnreachableError  nobody answers
        ├── NotARegistryError         what answers is no image registry
        ├── CredentialsNeededError    the registry wants credentials, and there are none
        ├── CredentialsRefusedError   the registry does not take the credentials, or they are not enough
        ├── ForeignRealmError         the registry wants credentials to be sent where they should not go
        ├── RedirectRefusedError      the registry points to where nothing should be sent
        ├── UnknownImageError         no such repository, tag or digest
        ├── RegistryFullError         no space left on the registry
        ├── WrongContentError         the registry gives or keeps other bytes than the digest promises
        └── RegistryFailureError      any other answer that is not as it should be
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import ModelyardError, nearest


class InvalidImageReferenceError(ModelyardError):
    """Text that should name an image in a registry does not."""

    code = "invalid-image-reference"

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(
            f"{text[:80]!r} does not name an image: {reason}. Write REGISTRY/REPOSITORY:TAG or "
            "REGISTRY/REPOSITORY@sha256:DIGEST, such as 127.0.0.1:5000/digits:3."
        )
        self.text = text
        self.reason = reason


class InvalidDocumentError(ModelyardError):
    """A manifest, an index or a configuration of an image is not as it should be."""

    code = "invalid-oci-document"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be used: {reason[:300]}. Build or push the image again.")
        self.what = what
        self.reason = reason


class InvalidArchiveError(ModelyardError):
    """A file or folder holds no image that can be read."""

    code = "invalid-image-archive"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"No image can be read from {path}: {reason[:300]}. Give an OCI layout folder, an OCI archive, or what "
            "`docker save` wrote."
        )
        self.path = path
        self.reason = reason


class PlatformNotFoundError(ModelyardError):
    """An image is not there for the kind of machine that is asked for."""

    code = "platform-not-found"

    def __init__(self, image: str, platform: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{image} is not there for {platform}. It is for: {', '.join(nearest(platform, known)) or 'nothing'}. "
            "Choose one of those, or another image."
        )
        self.image = image
        self.platform = platform
        self.known = tuple(known)


class DockerConfigError(ModelyardError):
    """Docker's config.json, which holds the credentials of registries, cannot be read."""

    code = "docker-config"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The credentials in {path} cannot be read: {reason}. Write it anew with: docker login")
        self.path = path
        self.reason = reason


class CredentialHelperError(ModelyardError):
    """A program that keeps credentials for docker failed; what it printed is not repeated, for it may be secret."""

    code = "credential-helper"

    def __init__(self, program: str, reason: str) -> None:
        super().__init__(
            f"{program}, which docker's config.json names, gave no credentials: {reason}. Install or repair it, or "
            "take its name out of config.json."
        )
        self.program = program
        self.reason = reason


class RegistryError(ModelyardError):
    """Something went wrong between us and an image registry."""

    code = "registry"


class RegistryUnreachableError(RegistryError):
    """Nobody answers at the address of a registry."""

    code = "registry-unreachable"

    def __init__(self, registry: str, reason: str) -> None:
        super().__init__(
            f"The image registry {registry} is not reachable: {reason}. Check its name and port, and that it runs."
        )
        self.registry = registry
        self.reason = reason


class NotARegistryError(RegistryError):
    """What answers is no image registry."""

    code = "not-a-registry"

    def __init__(self, url: str, answer: str) -> None:
        super().__init__(
            f"{url} does not answer as an image registry does: {answer[:200]}. Check the name and the port."
        )
        self.url = url
        self.answer = answer


class CredentialsNeededError(RegistryError):
    """The registry wants credentials, and none are known for it."""

    code = "registry-credentials-needed"

    def __init__(self, registry: str, image: str) -> None:
        super().__init__(f"{registry} wants credentials for {image}. Log in with: docker login {registry}")
        self.registry = registry
        self.image = image


class CredentialsRefusedError(RegistryError):
    """The registry does not take the credentials that are known for it, or they do not allow what is asked."""

    code = "registry-credentials-refused"

    def __init__(self, registry: str, image: str, user: str) -> None:
        super().__init__(
            f"{registry} refuses {user} for {image}. Log in again with: docker login {registry}, or ask for the right "
            "to read or write there."
        )
        self.registry = registry
        self.image = image
        self.user = user


class ForeignRealmError(RegistryError):
    """The registry wants its credentials to be sent where they should not go; they were not sent."""

    code = "registry-foreign-realm"

    def __init__(self, registry: str, realm: str, reason: str) -> None:
        super().__init__(
            f"{registry} asks for its credentials to be sent to {realm[:200]!r}, {reason}; they were not sent. Ask who "
            "runs the registry to name a place of its own."
        )
        self.registry = registry
        self.realm = realm
        self.reason = reason


class RedirectRefusedError(RegistryError):
    """The registry points to where nothing should be sent or fetched."""

    code = "registry-redirect-refused"

    def __init__(self, registry: str, target: str, reason: str) -> None:
        super().__init__(
            f"{registry} points to {target[:200]!r}, {reason}; it was not followed. Ask who runs the registry."
        )
        self.registry = registry
        self.target = target
        self.reason = reason


class UnknownImageError(RegistryError):
    """The registry has no such repository, or the repository no such tag or digest; `missing` says which."""

    code = "unknown-image"

    def __init__(self, image: str, missing: str) -> None:
        super().__init__(f"There is no {image}: the registry does not know the {missing}. Check the name, or push it.")
        self.image = image
        self.missing = missing


class RegistryFullError(RegistryError):
    """There is no space left on the registry."""

    code = "registry-full"

    def __init__(self, registry: str) -> None:
        super().__init__(
            f"No space is left on the image registry {registry}; nothing was tagged. Free some there, or push to "
            "another."
        )
        self.registry = registry


class WrongContentError(RegistryError):
    """The registry gives or keeps other bytes than the digest promises."""

    code = "registry-wrong-content"

    def __init__(self, registry: str, digest: str, reason: str) -> None:
        super().__init__(
            f"{registry} does not hold to {digest}: {reason}; nothing was kept. Push the image anew, or pull it from "
            "elsewhere."
        )
        self.registry = registry
        self.digest = digest
        self.reason = reason


class RegistryFailureError(RegistryError):
    """The registry answered with what it should not."""

    code = "registry-failure"

    def __init__(self, registry: str, status: int, text: str) -> None:
        super().__init__(f"{registry} answered {status}: {text[:300]}. Its log says more.")
        self.registry = registry
        self.status = status
        self.text = text
