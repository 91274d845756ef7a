"""What can go wrong with the router.

::

    ModelyardError
    └── RouterError               any of these
        ├── RouterStartError      Envoy did not start
        ├── RouterStoppedError    Envoy does not run, and is needed
        ├── RouterRejectedError   Envoy refuses what it was told
        ├── RouterSilentError     Envoy does not say in time that it has taken what it was told
        ├── RouterBusyError       another process changes the router for too long
        ├── RouterFolderError     the folder cannot be used
        ├── PortTakenError        a service's port is taken
        └── RouterFileError       a file of keys or certificates cannot be used
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class RouterError(ModelyardError):
    """Something failed between us and Envoy."""

    code = "router"


class RouterStartError(RouterError):
    """Envoy did not start."""

    code = "router-start"

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"The router in {folder} did not start: {reason}")
        self.folder = folder
        self.reason = reason


class RouterStoppedError(RouterError):
    """Envoy does not run, and is needed."""

    code = "router-stopped"

    def __init__(self, folder: str) -> None:
        super().__init__(f"The router in {folder} does not run. Start it with: modelyard up")
        self.folder = folder


class RouterRejectedError(RouterError):
    """Envoy refuses what it was told; what it had before stays."""

    code = "router-rejected"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"Envoy refuses the {what}, and goes on with those it had: {reason}")
        self.what = what
        self.reason = reason


class RouterSilentError(RouterError):
    """Envoy does not say in time that it has taken what it was told."""

    code = "router-silent"

    def __init__(self, what: str, seconds: float, log: str) -> None:
        super().__init__(f"Envoy has not taken the {what} within {seconds:g} s. Its log says more: {log}")
        self.what = what
        self.seconds = seconds
        self.log = log


class RouterBusyError(RouterError):
    """Another process changes the router for too long."""

    code = "router-busy"

    def __init__(self, folder: str, seconds: float) -> None:
        super().__init__(f"Another process has been changing the router in {folder} for {seconds:g} s. Try again.")
        self.folder = folder
        self.seconds = seconds


class RouterFolderError(RouterError):
    """The folder of the router cannot be used."""

    code = "router-folder"

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"The router cannot use the folder {folder}: {reason}")
        self.folder = folder
        self.reason = reason


class PortTakenError(RouterError):
    """The port of a service is taken."""

    code = "port-taken"

    def __init__(self, service: str, address: str, by: str) -> None:
        super().__init__(f"{service} cannot listen at {address}: {by} has that port. Choose another, or free it.")
        self.service = service
        self.address = address
        self.by = by


class RouterFileError(RouterError):
    """A file of keys or certificates cannot be used."""

    code = "router-file"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"The router cannot use the file {file}: {reason}")
        self.file = file
        self.reason = reason
