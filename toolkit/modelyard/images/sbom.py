"""What is in an image, as a bill of materials: CycloneDX 1.6, the same bytes each time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from msgspec import Struct
from packageurl import PackageURL

from modelyard.environments.lock import Lock, LockedPackage
from modelyard.images.debian.system import DebianPackage, System

MEDIA_TYPE = "application/vnd.cyclonedx+json"

_NAMESPACE = uuid.UUID("6c1a1f6e-3c0c-5a53-9d3a-3a5f5d6f7f0e")
"""Serial numbers are digests of images in this name space, which nothing else uses."""


class BilledImage(Struct, frozen=True, kw_only=True):
    """The image that a bill is of; `digest` (``sha256:HEX``) is its manifest's."""

    name: str
    version: str
    digest: str


class BilledModel(Struct, frozen=True, kw_only=True):
    """A model in an image; `tree` is the sha256 of the listing of its files."""

    name: str
    version: str
    tree: str


def bill(
    image: BilledImage, lock: Lock, *, server: str, models: Sequence[BilledModel] = (), system: System | None = None
) -> bytes:
    """Write the bill of materials of an image.

    Parameters
    ----------
    lock
        Its Python packages.
    server
        The version of the scoring server in it.
    system
        What its base is made of; None where that is not known.
    """
    whole = Component(
        type=ComponentType.CONTAINER,
        bom_ref=f"image:{image.name}:{image.version}",
        name=image.name,
        version=image.version,
        hashes=_hashes([image.digest]),
    )
    parts = [
        _server(server),
        *map(_model, models),
        *map(_python_package, lock.packages),
        *(_system(system) if system is not None else ()),
    ]
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, image.digest), components=parts)
    bom.metadata.component = whole
    bom.register_dependency(whole, parts)
    return _canonical(JsonV1Dot6(bom).output_as_string())


def _canonical(text: str) -> bytes:
    """Sort the keys, and leave out the time of writing, which the library always adds."""
    document = msgspec.json.decode(text)
    del document["metadata"]["timestamp"]
    return msgspec.json.encode(document, order="sorted")


def _server(version: str) -> Component:
    address = PackageURL("pypi", name="modelyard", version=version)
    return Component(
        type=ComponentType.APPLICATION,
        bom_ref="server",
        name="modelyard-scoring",
        version=version,
        purl=address,
        description="The scoring server, from the distribution modelyard",
    )


def _model(model: BilledModel) -> Component:
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"model:{model.name}:{model.version}",
        name=model.name,
        version=model.version,
        hashes=_hashes([f"sha256:{model.tree}"]),
    )


def _python_package(package: LockedPackage) -> Component:
    address = PackageURL("pypi", name=package.name, version=package.version)
    return Component(
        bom_ref=str(address),
        name=package.name,
        version=package.version,
        purl=address,
        hashes=_hashes(package.hashes),
    )


def _system(system: System) -> Iterator[Component]:
    name, _, version = system.distribution.partition("-")
    yield Component(type=ComponentType.OPERATING_SYSTEM, bom_ref="system", name=name, version=version)
    for package in system.packages:
        address = _debian_address(package, name, system.distribution)
        yield Component(bom_ref=str(address), name=package.name, version=package.version, purl=address)


def _debian_address(package: DebianPackage, namespace: str, distribution: str) -> PackageURL:
    """Name a package as scanners need it: advisories are of sources (`upstream`), not of what is built from them."""
    qualifiers = {"arch": package.architecture, "distro": distribution}
    if package.source:
        qualifiers["upstream"] = package.source
    return PackageURL("deb", namespace, package.name, package.version, qualifiers)


def _hashes(digests: Iterable[str]) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest.removeprefix("sha256:")) for digest in digests]
