"""A service as those who call it hold it: its address and keys, its answers and logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.models.signature import Sample
from modelyard.names import VersionRef
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.service.keys import exchange, read_keys
from modelyard.sdk.service.logs import follow, read_logs
from modelyard.sdk.service.places import service_folder
from modelyard.sdk.service.recent import RecentService, read_recent
from modelyard.sdk.service.scoring import score, until_taken
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import NotHereError
from modelyard.services.rollout import Rollout
from modelyard.services.service import Revision, ServiceInfo


class ServiceUse:
    """The part of `Service` that is for its callers."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.info: ServiceInfo = workspace.backend.services.get(name)

    @property
    def revision(self) -> Revision:
        """The revision that serves; before there is one, the newest."""
        return self.info.revision

    @property
    def image(self) -> str:
        """The image that serves, ``NAME:VERSION``."""
        return self.revision.image

    @property
    def models(self) -> tuple[str, ...]:
        """What it serves, each ``NAME:VERSION``."""
        return self.revision.models

    @property
    def rollout(self) -> Rollout | None:
        """The rollout that is under way, else the last."""
        return self.info.rollout

    @property
    def url(self) -> str:
        """The address of the service; `scoring_uri` is below it."""
        if not self.info.standing.url:
            raise NotFoundError("address of the service", self.name)
        return self.info.standing.url

    @property
    def scoring_uri(self) -> str:
        """Where to ``POST`` requests."""
        return f"{self.url}/score"

    @property
    def swagger_uri(self) -> str:
        """Where the service describes itself."""
        return f"{self.url}/swagger.json"

    def refresh(self) -> Self:
        """Read it anew."""
        self.info = self.workspace.backend.services.get(self.name)
        return self

    def get_keys(self) -> tuple[str, str]:
        """Return the primary and the secondary key; both are valid.

        Raises
        ------
        NotHereError
            If the workspace is served, and the service runs elsewhere: keys are kept only where it runs.
        """
        self._check_here("keys")
        keys = read_keys(self._folder)
        return keys.primary, keys.secondary

    def regenerate_key(self, which: Literal["primary", "secondary"]) -> str:
        """Put a new key in the place of one, and return it when it is valid and the old one is not.

        Raises
        ------
        NotHereError
            If the workspace is served, and the service runs elsewhere.
        InvalidValueError
            If the service has no router, which could take the new key without a restart.
        """
        self._check_here("keys")
        if not self.info.settings.routed:
            raise InvalidValueError(f"service {self.name!r}", "without the router its keys are those of the revision")
        key: str = getattr(exchange(self._folder, which), which)
        ensure_runner(self.workspace)
        until_taken(self.url, key, self._certificate)
        return key

    def run(
        self, input_data: Any, *, model: str | None = None, revision: int | None = None, timeout: float = 60.0
    ) -> Any:
        """Score: send `input_data` and return the answer.

        Parameters
        ----------
        input_data
            Rows (a list, an array, a data frame), or a request as a dict, which may hold arrays, or as JSON text.
        model
            The name of the model, if the service serves several.
        revision
            Which revision is to answer; by default the weights decide.

        Raises
        ------
        UnreachableError
            If the service does not answer.
        InvalidValueError
            If it refuses the request; the text says which row and column.
        ServerFailureError
            If it fails.
        """
        settings = self.info.settings
        return score(
            self.url + (f"/score/{model}" if model else "/score"),
            input_data,
            service=self.name,
            key=self.get_keys()[0] if settings.auth else None,
            headers={} if revision is None else {"x-modelyard-revision": str(revision)},
            certificate=self._certificate,
            timeout=timeout,
        )

    def sample(self, model: str | None = None) -> Any:
        """Return the request that was recorded when the model was registered.

        Parameters
        ----------
        model
            The name of the model, if the service serves several.

        Raises
        ------
        NotFoundError
            If there is no such model, or no sample was recorded with it.
        """
        backend = self.workspace.backend
        names = {VersionRef.parse(text).name: text for text in self.models}
        reference = names.get(model or next(iter(names)))
        if reference is None:
            raise NotFoundError("model of the service", str(model), list(names))
        if (digest := backend.models.get(reference).sample) is None:
            raise NotFoundError("sample of the model", reference)
        return msgspec.json.decode(backend.blobs.read(digest), type=Sample).request

    def get_logs(self, num_lines: int = 5000, revision: int | None = None) -> str:
        """Return the last lines that the replicas of a revision wrote, by default of the one that serves."""
        return read_logs(self.workspace, self.name, revision, num_lines)

    def follow_logs(self, num_lines: int = 100, revision: int | None = None) -> Iterator[str]:
        """Give the lines that a revision's replicas wrote, and then those they write, until nobody asks for more."""
        return follow(self.workspace, self.name, revision, num_lines)

    def recent(self) -> RecentService | None:
        """Say what it answered in the last minute, by revision; None if that is not known on this machine."""
        return read_recent(self._folder)

    def __repr__(self) -> str:
        return f"Service({self.name!r}, {', '.join(self.models)})"

    @property
    def _certificate(self) -> str | None:
        return self.info.settings.tls.certificate if self.info.settings.tls else None

    @property
    def _folder(self) -> Path:
        return service_folder(self.workspace, self.name)

    def _check_here(self, what: str) -> None:
        if is_served(self.workspace) and not self._folder.is_dir():
            raise NotHereError(what, self.name, self.info.standing.machine)
