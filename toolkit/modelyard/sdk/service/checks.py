"""What a revision must show before it gets any traffic: it answers the recorded samples, and passes its gate.

The scoring server compares the values itself before it says that it is ready, each with its own tolerance
(docs/reference/model-folder.md); here the same request comes over the wire, and the answer must have the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any

import msgspec
from msgspec import Struct

from modelyard.sdk.service.held import Held
from modelyard.sdk.service.keys import server_keys
from modelyard.services.errors import UnknownGateError
from modelyard.services.key_file import read_key
from modelyard.services.rollout import Failure
from modelyard.services.service import Revision

GROUP = "modelyard.gates"

_TIMEOUT = 60.0


class Sampled(Struct, frozen=True, kw_only=True):
    """A recorded request, the answer to it, and the path it is sent to."""

    path: str
    request: Any
    answer: Any


class GateVerdict(Struct, frozen=True, kw_only=True):
    """Whether a revision passed a load test, why not, and what was measured."""

    passed: bool
    reason: str = ""
    evidence: dict[str, Any] = {}


Gate = Callable[[str, str, Any], Any]
"""Loads the server at a URL, with a key and a request that it can answer (None if none is known), and says what came of
it: a mapping, or any object, with what a `GateVerdict` has."""


def answers_samples(held: Held, revision: Revision) -> Failure | None:
    """Send the recorded samples to every replica; give what is wrong, or None."""
    import httpx

    with httpx.Client(timeout=_TIMEOUT, trust_env=False, headers=_headers(held)) as client:
        for sampled in samples(held, revision):
            for replica in revision.ready:
                try:
                    answer = client.post(replica.placed.url + sampled.path, json=sampled.request)
                except httpx.HTTPError as error:
                    return Failure(phase="sample", message=f"replica {replica.number} does not answer: {error}")
                if problem := _problem(answer.status_code, answer.content, sampled.answer):
                    return Failure(phase="sample", message=f"replica {replica.number} {problem}")
    return None


def passes_gate(held: Held, revision: Revision, name: str) -> tuple[Failure | None, dict[str, Any]]:
    """Have a revision pass the load test of that name; give what is wrong, or None, and what was measured.

    Raises
    ------
    UnknownGateError
        If none of that name is installed.
    """
    points = entry_points(group=GROUP)
    if name not in points.names:
        raise UnknownGateError(name, sorted(points.names))
    gate: Gate = points[name].load()
    request = next((one.request for one in samples(held, revision)), None)
    found = gate(revision.ready[0].placed.url, _key(held), request)
    verdict = msgspec.convert(found, GateVerdict, from_attributes=True)
    failure = None if verdict.passed else Failure(phase="gate", message=f"the load test {name}: {verdict.reason}")
    return failure, verdict.evidence


def samples(held: Held, revision: Revision) -> Iterator[Sampled]:
    """Read the samples that were recorded with a revision's image."""
    backend = held.workspace.backend
    spec = backend.images.get(revision.image).spec
    if spec.code is not None:
        named = [("/score", spec.code.sample)] if spec.code.sample else []
    else:
        named = [(f"/score/{model.name}", model.sample) for model in spec.models if model.sample]
    for path, digest in named:
        recorded = msgspec.json.decode(backend.blobs.read(digest))
        yield Sampled(path=path, request=recorded["request"], answer=recorded["answer"])


def form(value: Any) -> Any:
    """Give the form of a JSON value: the names of its parts, how many items lists have, and kinds of values."""
    if isinstance(value, dict):
        return {name: form(part) for name, part in value.items()}
    if isinstance(value, list):
        return [form(part) for part in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _problem(status: int, content: bytes, wanted: Any) -> str:
    if status != 200:
        return f"answers the recorded sample with {status}: {content[:300].decode(errors='replace')}"
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError:
        found = content.decode(errors="replace")
    if form(found) != form(wanted):
        return f"answers the recorded sample in another form: {_short(found)} in place of {_short(wanted)}"
    return ""


def _short(value: Any) -> str:
    return msgspec.json.encode(value)[:200].decode(errors="replace")


def _headers(held: Held) -> dict[str, str]:
    return {"authorization": f"Bearer {_key(held)}"}


def _key(held: Held) -> str:
    return read_key(server_keys(held.folder, routed=held.info.settings.routed)).reveal()
