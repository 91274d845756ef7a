"""The service that a user holds: a URL that answers for a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from modelyard.errors import InvalidValueError, NotFoundError, ServerFailureError, UnreachableError
from modelyard.models.signature import Sample
from modelyard.names import VersionRef
from modelyard.paging import every
from modelyard.sdk.deployment import DEFAULT_TARGET, Deployment, image_to_serve
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.service import Placed, Revision, ServiceInfo, ServiceQuery
from modelyard.services.target import Observed, ServiceTarget, find_target


class Service:
    """A deployed service; `Service(workspace, name)` finds one, `Service.deploy` makes one.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.info: ServiceInfo = workspace.backend.services.get(name)

    @classmethod
    def deploy(  # noqa: PLR0913 - what a deployment is made of, all by keyword
        cls,
        workspace: Workspace,
        name: str,
        image: Image | str | None = None,
        *,
        models: Sequence[str] = (),
        target: str = DEFAULT_TARGET,
        workers: int = 1,
        port: int = 0,
        timeout: float = 120.0,
        replace: bool = False,
        tags: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Serve an image, and return when the service is ready.

        Parameters
        ----------
        image
            ``NAME``, ``NAME:VERSION`` or an `Image`.
        models
            ONNX models to serve without an image of your own, each ``NAME``, ``NAME:VERSION`` or ``NAME@ALIAS``: the
            image is made on the way, under the name of the service.
        workers
            Processes that serve, 1 and above, in the image that is made of `models`.
        port
            On loopback; 0 picks a free one.
        timeout
            Seconds until it must be ready.
        replace
            Deploy a new revision to a service that exists; it takes over when it is ready.
        say
            Takes lines that say what is being done.

        Raises
        ------
        AlreadyExistsError
            If the service exists, and `replace` is not set.
        NotServableError
            If a model holds no ONNX file.
        DeploymentFailedError
            If it does not become ready: with the phase, the traceback and a hint. Nothing of it is left, and what
            ran before runs on.
        """
        found = image_to_serve(workspace, name, image, models, target=target, workers=workers, dry_run=False, say=say)
        deployment = Deployment(workspace, name, found, target=target, port=port, timeout=timeout)
        deployment.carry_out(replace=replace, tags=dict(tags or {}), say=say)
        return cls(workspace, name)

    @classmethod
    def list(cls, workspace: Workspace, model: str | None = None, target: str | None = None) -> list[Self]:
        """List the workspace's services by name.

        Parameters
        ----------
        model
            Only those that serve it: ``NAME`` or ``NAME:VERSION``.
        """
        return [
            cls._of(workspace, info)
            for info in every(workspace.backend.services.list, ServiceQuery(model=model, target=target))
        ]

    @property
    def name(self) -> str:
        """The service's name."""
        return self.info.name

    @property
    def revision(self) -> Revision:
        """The revision that runs."""
        return self.info.revision

    @property
    def image(self) -> str:
        """The image that runs, ``NAME:VERSION``."""
        return self.revision.image

    @property
    def models(self) -> tuple[str, ...]:
        """What it serves, each ``NAME:VERSION``."""
        return self.revision.models

    @property
    def url(self) -> str:
        """The address of the server; `scoring_uri` is below it."""
        return self._placed().url

    @property
    def scoring_uri(self) -> str:
        """Where to ``POST`` requests."""
        return f"{self.url}/score"

    @property
    def swagger_uri(self) -> str:
        """Where the service describes itself."""
        return f"{self.url}/swagger.json"

    @property
    def state(self) -> str:
        """``running``, ``unready``, ``stopped``, ``elsewhere`` (on another machine), ``deploying`` or ``failed``."""
        return self.observe().state if self.revision.state == "running" else self.revision.state

    def observe(self) -> Observed:
        """Look at the place where it runs."""
        return self._target().observe(self._placed())

    def get_keys(self) -> tuple[str, str]:
        """Return the primary and the secondary key; both are valid.

        Raises
        ------
        NotFoundError
            If the service runs on another machine: keys are kept only where it runs.
        """
        try:
            keys = msgspec.json.decode(Path(self._placed().facts["keys"]).read_bytes())
        except FileNotFoundError:
            raise NotFoundError("key of the service", self.name) from None
        return keys["primary"], keys["secondary"]

    def run(self, input_data: Any, *, model: str | None = None, timeout: float = 60.0) -> Any:
        """Score: send `input_data` and return the answer.

        Parameters
        ----------
        input_data
            Rows (a list, an array, a data frame), or a request as a dict, which may hold arrays, or as JSON text.
        model
            The name of the model, if the service serves several.

        Raises
        ------
        UnreachableError
            If the service does not answer.
        InvalidValueError
            If it refuses the request; the text says which row and column.
        ServerFailureError
            If it fails.
        """
        import httpx

        path = f"/score/{model}" if model else "/score"
        headers = {"authorization": f"Bearer {self.get_keys()[0]}", "content-type": "application/json"}
        try:
            answer = httpx.post(
                self.url + path, content=_body(input_data), headers=headers, timeout=timeout, trust_env=False
            )
        except httpx.TransportError as error:
            raise UnreachableError(self.url, str(error) or type(error).__name__) from error
        if 400 <= answer.status_code < 500:
            raise InvalidValueError(f"{self.name} refused the request ({answer.status_code})", _reason(answer.content))
        if not answer.is_success:
            raise ServerFailureError(self.url, answer.status_code, answer.text)
        return msgspec.json.decode(answer.content)

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

    def get_logs(self, num_lines: int = 5000) -> str:
        """Return the last lines that the service wrote."""
        return self._target().logs(self._placed(), num_lines)

    def revisions(self) -> tuple[Revision, ...]:
        """List every revision, the newest first."""
        return self.workspace.backend.services.revisions(self.name).items

    def delete(self) -> None:
        """End the service, and remove all that it had.

        Raises
        ------
        InvalidValueError
            If it runs on another machine: delete it there.
        """
        for revision in self.revisions():
            if revision.state == "running" and self.observe().state == "elsewhere":
                raise InvalidValueError(f"service {self.name!r}", f"it runs {self.observe().detail}; delete it there")
            if revision.placed is not None and revision.state in ("running", "deploying"):
                self._target().remove(revision.placed)
        self.workspace.backend.services.delete(self.name)

    def __repr__(self) -> str:
        return f"Service({self.name!r}, {', '.join(self.models)})"

    @classmethod
    def _of(cls, workspace: Workspace, info: ServiceInfo) -> Self:
        service = cls.__new__(cls)
        service.workspace, service.info = workspace, info
        return service

    def _target(self) -> ServiceTarget:
        return find_target(self.revision.target, self.workspace.settings)

    def _placed(self) -> Placed:
        if self.revision.placed is None:
            raise NotFoundError("running revision of the service", self.name)
        return self.revision.placed


def _reason(content: bytes) -> str:
    """Take the text out of what the server says of a request it refused."""
    try:
        return str(msgspec.json.decode(content)["text"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return content[:300].decode(errors="replace")


def _body(input_data: Any) -> bytes:
    """Write a request: texts and bytes as they are, rows under ``data``."""
    if isinstance(input_data, str | bytes):
        return input_data.encode() if isinstance(input_data, str) else input_data
    if hasattr(input_data, "columns") and hasattr(input_data, "to_dict"):  # a data frame
        split = input_data.to_dict(orient="split", index=False)
        input_data = {"columns": split["columns"], "data": split["data"]}
    elif hasattr(input_data, "tolist"):  # an array
        input_data = input_data.tolist()
    request = input_data if isinstance(input_data, Mapping) else {"data": input_data}
    return msgspec.json.encode(request, enc_hook=lambda value: value.tolist())
