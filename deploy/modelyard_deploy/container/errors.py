"""What can go wrong with an engine of containers.

::

    ModelyardError
    ├── EngineUnreachableError   no engine answers
    ├── EngineDeniedError        it may not be used by this user
    ├── UnfitEngineError         it cannot do what is needed: too old, another platform
    ├── PublishedPortTakenError  something else has the port
    ├── ContainerNameTakenError  a container that is not Modelyard's has the name
    ├── EngineFullError          no space is left where it keeps images
    ├── EngineFailureError       it refused a request for another reason
    └── BuildFailedError         an image cannot be built
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class EngineUnreachableError(ModelyardError):
    """No engine answers."""

    code = "engine-unreachable"

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"No Docker engine answers at {address}: {reason}. Start it (systemctl start docker), set DOCKER_HOST, or "
            "deploy with --target process, which needs none."
        )
        self.address = address
        self.reason = reason


class EngineDeniedError(ModelyardError):
    """The engine may not be used by this user."""

    code = "engine-denied"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"You may not use the Docker engine at {address}. Have yourself added to the group that owns its socket "
            "(usermod -aG docker USER) and log in anew, or deploy with --target process."
        )
        self.address = address


class UnfitEngineError(ModelyardError):
    """The engine cannot do what is needed."""

    code = "engine-unfit"

    def __init__(self, address: str, found: str, needed: str) -> None:
        super().__init__(f"The Docker engine at {address} is {found}; this needs {needed}.")
        self.address = address
        self.found = found
        self.needed = needed


class PublishedPortTakenError(ModelyardError):
    """Something else has the port."""

    code = "published-port-taken"

    def __init__(self, port: int) -> None:
        super().__init__(f"The port {port} of this machine is taken. Choose another, or 0 for a free one (--port).")
        self.port = port


class ContainerNameTakenError(ModelyardError):
    """A container that is not Modelyard's has the name."""

    code = "container-name-taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"A container that Modelyard did not make is called {name!r}. Rename it: docker rename.")
        self.name = name


class EngineFullError(ModelyardError):
    """No space is left where the engine keeps images."""

    code = "engine-full"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The engine has no space left: {what} stopped. Free some, for instance with: docker system prune"
        )
        self.what = what


class EngineFailureError(ModelyardError):
    """The engine refused a request."""

    code = "engine-failure"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"The Docker engine refused: {what}: {reason}. Its own log says more (journalctl -u docker).")
        self.what = what
        self.reason = reason


class BuildFailedError(ModelyardError):
    """An image cannot be built; `kind` is ``network``, ``package``, ``space`` or ``step``."""

    code = "build-failed"

    def __init__(self, image: str, kind: str, reason: str, tail: str, log: str) -> None:
        super().__init__(
            "\n".join(part for part in (f"{image} cannot be built: {reason}", tail, f"The whole log: {log}") if part)
        )
        self.image = image
        self.kind = kind
        self.reason = reason
        self.tail = tail
        self.log = log
