"""What is attached to an image in a registry: manifests whose `subject` it is, such as its bill of materials.

Registries of distribution specification 1.1 list them by themselves. For others, such as distribution 2.8, the list is
an index under a tag made of the image's digest, which whoever attaches something writes anew.
"""

from __future__ import annotations

import re

import httpx
import msgspec

from modelyard.images.oci.connection import Call, Connection
from modelyard.images.oci.documents import INDEX, Descriptor, Index, Manifest, decode, encode
from modelyard.images.oci.errors import InvalidDocumentError, UnknownImageError
from modelyard.images.oci.manifests import Manifests
from modelyard.images.oci.reference import ImageReference

_PAGES = 100
_NEXT = re.compile(r'<(?P<target>[^>]+)>\s*;\s*rel="?next"?')
_NO_LIST = frozenset({400, 404, 405, 406})
"""What registries answer that do not know of attached things."""


class Referrers:
    """What is attached to images of one repository."""

    def __init__(self, connection: Connection, reference: ImageReference, scope: tuple[str, ...] = ()) -> None:
        self._connection = connection
        self._reference = reference
        self._scope = scope or (f"repository:{reference.repository}:pull",)
        self._manifests = Manifests(connection, reference, self._scope)

    def list(self, digest: str) -> tuple[Descriptor, ...]:
        """List the manifests that are attached to the image of that digest, each with its kind."""
        found: list[Descriptor] = []
        target = f"{self._reference.repository}/referrers/{digest}"
        for _ in range(_PAGES):
            response, data = self._connection.call(self._call(target, digest))
            if response.status_code != httpx.codes.OK or not response.headers.get("content-type", "").startswith(INDEX):
                return self._tagged(digest)
            found += decode(data, Index, f"What is attached to {digest}").manifests
            following = _NEXT.search(response.headers.get("link", ""))
            if following is None:
                return tuple(found)
            target = str(response.request.url.join(following["target"]))
        raise InvalidDocumentError(f"What is attached to {digest}", f"the list has more than {_PAGES} pages")

    def note(self, subject: str, descriptor: Descriptor, artifact: Manifest | Index) -> None:
        """Add a manifest that has been sent to the list of its subject (a digest) under the tag.

        Two who do this at the same moment can lose one of the two entries, as the specification says.
        """
        there = self._tagged(subject)
        if descriptor.digest in {one.digest for one in there}:
            return
        entry = msgspec.structs.replace(
            descriptor, platform=None, artifact_type=artifact.kind, annotations=artifact.annotations
        )
        data = encode(Index(schema_version=2, media_type=INDEX, manifests=(*there, entry)))
        self._manifests.put(_tag(subject), INDEX, data)

    def _tagged(self, digest: str) -> tuple[Descriptor, ...]:
        try:
            _, data = self._manifests.get(_tag(digest))
        except UnknownImageError:
            return ()
        return decode(data, Index, f"What is attached to {digest}").manifests

    def _call(self, target: str, digest: str) -> Call:
        return Call(
            method="GET",
            target=target,
            image=str(self._reference.pinned(digest)),
            scope=self._scope,
            expected=frozenset({200}) | _NO_LIST,
            headers={"accept": INDEX},
        )


def _tag(digest: str) -> str:
    return digest.replace(":", "-")
