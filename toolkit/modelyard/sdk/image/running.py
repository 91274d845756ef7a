"""An image that runs for as long as somebody looks on: no service, no record, and nothing left afterwards."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from modelyard.environments.progress import Progress
from modelyard.models.signature import Sample
from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.exports import ImageExports
from modelyard.services.key_file import read_key
from modelyard.services.log import new_lines
from modelyard.services.service import Placed
from modelyard.services.target import Observed, ServiceTarget, Wanted, find_target

_LINES = 2000
_PAUSE = 0.5


class RunningImage:
    """An image that runs and is ready.

    Attributes
    ----------
    url
        The address of the server.
    key
        What requests have to show: ``authorization: Bearer KEY``.
    """

    def __init__(self, image: ImageExports, target: ServiceTarget, placed: Placed) -> None:
        self._image = image
        self._target = target
        self._placed = placed
        self.url = placed.url
        self.key = read_key(Path(placed.facts["keys"])).reveal()

    @property
    def scoring_uri(self) -> str:
        """Where to ``POST`` requests."""
        return f"{self.url}/score"

    def observe(self) -> Observed:
        """Look at the place where it runs."""
        return self._target.observe(self._placed)

    def get_logs(self, num_lines: int = _LINES) -> str:
        """Return the last lines that it wrote."""
        return self._target.logs(self._placed, num_lines)

    def follow(self) -> Iterator[str]:
        """Yield the lines that it has written and writes, until it has ended."""
        seen: list[str] = []
        ended = False
        while not ended:
            ended = self.observe().state == "stopped"
            lines = self.get_logs().splitlines()
            yield from new_lines(seen, lines)
            seen = lines
            time.sleep(0 if ended else _PAUSE)

    def sample(self) -> object | None:
        """Return the request that was recorded with its code or its first model; None if none was."""
        spec = self._image.info.spec
        digests = [spec.code.sample if spec.code else "", *(model.sample for model in spec.models)]
        if (digest := next(filter(None, digests), "")) == "":
            return None
        return msgspec.json.decode(self._image.workspace.backend.blobs.read(digest), type=Sample).request


@contextmanager
def run_image(image: ImageExports, target: str, *, port: int, timeout: float, say: Progress) -> Iterator[RunningImage]:
    """Run an image in a folder that is gone afterwards, under a name that nothing else has."""
    place = find_target(target, image.workspace.settings)
    name = f"{image.info.name}-run-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="modelyard-run-") as folder:
        wanted = Wanted(
            workspace=image.workspace.info.id,
            service=name,
            revision=image.info.version,
            image=image.info,
            lock=image.lock(),
            place=Path(folder, name, str(image.info.version), "1"),
            port=port,
            timeout=timeout,
        )
        placed = place.apply(place.plan(wanted), ImageContent(image), say)
        try:
            yield RunningImage(image, place, placed)
        finally:
            place.remove(placed)
