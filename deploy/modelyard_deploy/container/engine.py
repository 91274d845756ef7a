"""A Docker engine, found as Docker's own tools find it; what it says of failures, in words that say what to do.

An engine that is being started anew is waited for within bounds. What cannot be known to have happened is only asked
once more where asking twice does no harm: the names of containers are ours, so that making one again is noticed.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from modelyard.errors import MissingExtraError, ModelyardError
from modelyard_deploy.container.errors import (
    EngineDeniedError,
    EngineFailureError,
    EngineFullError,
    EngineUnreachableError,
    PublishedPortTakenError,
    UnfitEngineError,
)

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

_SOCKET = "unix:///var/run/docker.sock"
_OLDEST = (1, 41)
"""Docker 20.10: the statistics that are asked for once, and the address that a port is published on."""
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to reach an engine: enough for one that is being started anew."""
_TIMEOUT = 120
_PORT = re.compile(r"(?:Bind for \S*?|listen \w+ \S*?):(?P<port>\d+)(?::| failed).*(?:already allocated|in use)")

Answer = TypeVar("Answer")


class Engine:
    """An engine that answered when it was opened; its requests may be made from several threads.

    Parameters
    ----------
    timeout
        Seconds for each answer.
    pauses
        Seconds after which it is asked again where it does not answer.

    Raises
    ------
    MissingExtraError
        If the client's package is not installed.
    EngineUnreachableError, EngineDeniedError
        If there is none, or it may not be used.
    UnfitEngineError
        If it is too old, or of another kind than Linux.
    """

    def __init__(
        self, address: str | None = None, *, timeout: int = _TIMEOUT, pauses: Sequence[float] = _PAUSES
    ) -> None:
        self.address = address or os.environ.get("DOCKER_HOST") or _SOCKET
        self._pauses = pauses
        _knock(self.address, timeout)
        self._client = _client(self.address, _OLDEST, timeout)
        try:
            version = self.call("its version", lambda: self._client.version(api_version=False), pauses=pauses[:3])
        finally:
            self.close()
        api = _read(version["ApiVersion"])
        if api < _OLDEST:
            raise UnfitEngineError(self.address, f"Docker {version['Version']}", "Docker 20.10 or newer")
        self._client = _client(self.address, api, timeout)
        self.platform = f"{version['Os']}/{version['Arch']}"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, what: str, action: Callable[[], Answer], *, pauses: Sequence[float] | None = None) -> Answer:
        """Carry out one request, and say in words why it failed.

        Parameters
        ----------
        pauses
            Other ones than the engine was opened with.
        """
        import docker.errors
        import requests

        for pause in (*(self._pauses if pauses is None else pauses), None):
            try:
                return action()
            except docker.errors.DockerException as error:
                raise _in_words(what, error) from error
            except requests.RequestException as error:
                if pause is None or isinstance(error, requests.ReadTimeout):
                    raise EngineUnreachableError(self.address, _reason(error)) from error
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def find_image(self, name: str) -> str | None:
        """Return the id of the image of that name or id; None if the engine has none."""
        import docker.errors

        def look() -> str | None:
            try:
                return str(self._client.images.get(name).id)
            except docker.errors.ImageNotFound:
                return None

        return self.call(f"to look for the image {name}", look)

    def load_image(self, archive: Path, image: str, name: str) -> None:
        """Take in the image of that id from an archive, and give it a name."""
        with archive.open("rb") as opened:
            self.call("to load an image", lambda: self._client.images.load(opened), pauses=())
        repository, _, tag = name.partition(":")
        self.call(f"to name the image {name}", lambda: self._client.api.tag(image, repository, tag))

    def build(self, context: Path, tag: str, labels: Mapping[str, str], arguments: Mapping[str, str]) -> Iterator[Any]:
        """Build the image of a folder with a ``Dockerfile``, and yield what the engine says, decoded."""
        return self.call(
            "to build an image",
            lambda: self._client.api.build(
                path=str(context),
                tag=tag,
                labels=dict(labels),
                buildargs=dict(arguments),
                rm=True,
                forcerm=True,
                decode=True,
            ),
            pauses=(),
        )

    def each(self, what: str, said: Iterator[Answer]) -> Iterator[Answer]:
        """Go through what the engine streams, and say in words why it ends early."""
        while True:
            try:
                yield self.call(what, lambda: next(said), pauses=())
            except StopIteration:
                return

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """List the containers, also those that do not run, that have all of the labels."""
        named: dict[str, str | list[str] | bool] = {"label": [f"{name}={value}" for name, value in labels.items()]}
        # one that goes while the list is made is not an error
        return self.call(
            "to list containers",
            lambda: self._client.containers.list(all=True, filters=named, ignore_removed=True),
        )

    def named(self, name: str) -> Container | None:
        """Find a container by its name."""
        import docker.errors

        def look() -> Container | None:
            try:
                return self._client.containers.get(name)
            except docker.errors.NotFound:
                return None

        return self.call(f"to look for the container {name}", look)

    def create(self, image: str, **options: Any) -> Container:
        """Make a container; it does not run yet."""
        return self.call(f"to make the container {options['name']}", lambda: self._create(image, options))

    def _create(self, image: str, options: Mapping[str, Any]) -> Container:
        return self._client.containers.create(image, **options)

    def cpus(self) -> int:
        """Count the processors of the engine's machine."""
        return int(self.call("its size", self._client.info)["NCPU"])


def _knock(address: str, timeout: int) -> None:
    """Look whether anybody is behind a socket of this machine, for the client's own errors do not say clearly."""
    scheme, _, path = address.partition("://")
    if scheme != "unix":
        return
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(timeout)
        try:
            knocking.connect(path)
        except PermissionError as error:
            raise EngineDeniedError(address) from error
        except OSError as error:
            raise EngineUnreachableError(address, error.strerror or str(error)) from error


def _client(address: str, engine: tuple[int, ...], timeout: int) -> docker.DockerClient:
    try:
        import docker
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "docker") from None
    settings = {**os.environ, "DOCKER_HOST": address}
    return docker.from_env(environment=settings, timeout=timeout, version=_spoken(engine))


def _spoken(engine: tuple[int, ...]) -> str:
    """Say in which version of the interface to speak with an engine: the newest that it and the client know."""
    from docker.constants import DEFAULT_DOCKER_API_VERSION as NEWEST

    return ".".join(map(str, min(engine, _read(NEWEST))))


def _read(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _in_words(what: str, error: docker.errors.DockerException) -> ModelyardError:
    said = " ".join(str(getattr(error, "explanation", None) or error).split())
    if (match := _PORT.search(said)) is not None:
        return PublishedPortTakenError(int(match["port"]))
    if "no space left on device" in said:
        return EngineFullError(what)
    return EngineFailureError(what, said.rstrip("."))


def _reason(error: Exception) -> str:
    """Take the innermost reason out of what the client wraps it in."""
    said = str(error)
    known = {
        "No such file": "its socket is gone",
        "Connection refused": "the connection is refused",
        "Remote end closed": "it went away",
        "timed out": "it takes too long",
        "Name or service not known": "its name is not known",
    }
    return next((words for sign, words in known.items() if sign in said), said[:200])
