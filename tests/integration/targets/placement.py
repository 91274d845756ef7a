"""One replica of an image at a place, without a service around it: what the tests of targets look at."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.image import Image
from modelyard.sdk.service.scoring import score
from modelyard.sdk.workspace import Workspace
from modelyard.services.service import Placed
from modelyard.services.target import Observed, Wanted, find_target


def make_wanted(workspace: Workspace, image: Image, name: str = "direct", replica: int = 1, **more: Any) -> Wanted:
    """Say that a replica of an image is wanted, as the first revision of a service that no record knows."""
    return Wanted(
        workspace=workspace.info.id,
        service=name,
        revision=1,
        replica=replica,
        image=image.info,
        lock=image.lock(),
        place=Path(workspace.location, "services", name, "1", str(replica)),
        **more,
    )


class Placement:
    """A replica that is ready; `remove` ends it."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        image: Image,
        target: str,
        say: Callable[[str], None] = lambda _: None,
        **wanted: Any,
    ) -> None:
        self.name, self.digest = name, image.digest
        self._target = find_target(target, workspace.settings)
        plan = self._target.plan(make_wanted(workspace, image, name, **wanted))
        self.placed: Placed = self._target.apply(plan, ImageContent(image), say)

    @property
    def url(self) -> str:
        """The address of its server."""
        return self.placed.url

    @property
    def scoring_uri(self) -> str:
        """Where to post requests."""
        return f"{self.url}/score"

    def get_keys(self) -> tuple[str, str]:
        """Read its keys."""
        keys = msgspec.json.decode(Path(self.placed.facts["keys"]).read_bytes())
        return keys["primary"], keys["secondary"]

    def run(self, request: Any) -> Any:
        """Score."""
        key = self.get_keys()[0]
        return score(self.scoring_uri, request, service=self.name, key=key, headers={}, certificate=None, timeout=60)

    def observe(self) -> Observed:
        """Look at it."""
        return self._target.observe(self.placed)

    def until(self, is_so: Callable[[Observed], bool]) -> Observed:
        """Look at it until that is so, for two minutes at most; give what was seen last."""
        deadline = time.monotonic() + 120
        while not is_so(observed := self.observe()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert is_so(observed), observed
        return observed

    def get_logs(self, lines: int = 1000) -> str:
        """Read the last lines of its log."""
        return self._target.logs(self.placed, lines)

    def remove(self) -> None:
        """End it."""
        self._target.remove(self.placed)


Place = Callable[..., Placement]


@contextmanager
def placing(workspace: Workspace) -> Iterator[Place]:
    """Give what places replicas by a name, an image and a target; they end with it."""
    placed: list[Placement] = []

    def place(name: str, image: Image, target: str, **more: Any) -> Placement:
        placed.append(Placement(workspace, name, image, target, **more))
        return placed[-1]

    try:
        yield place
    finally:
        for one in placed:
            one.remove()
