"""Every error that is raised on purpose, one tree, one base to catch.

::

    ModelyardError
    ├── InvalidNameError            a name breaks the rule for names
    ├── InvalidReferenceError       text is not NAME:VERSION, NAME@ALIAS, ...
    ├── InvalidPathError            a path leaves its root, or cannot be kept
    ├── InvalidValueError           a value or request that cannot be taken
    ├── NotFoundError               nothing of that kind has that name
    │   └── WorkspaceNotFoundError  no workspace here, or none of that name
    ├── AlreadyExistsError          a name is taken
    ├── InUseError                  a deletion would break something that stands
    ├── StateError                  the thing is in a state that does not allow it
    ├── NewerWorkspaceError         written by a newer Modelyard
    ├── StorageFullError            no space left where blobs or rows are kept
    ├── DigestMismatchError         bytes are not what their digest says
    ├── MissingBlobError            a blob is referenced and not there
    ├── TokenError                  no token, or one that is not valid
    ├── PermissionDeniedError       the token's role is not enough
    ├── UnreachableError            a server does not answer
    ├── ServerFailureError          a server answered with what it should not
    ├── RunFailedError              a run that was waited for did not complete
    └── MissingExtraError           an optional package is not installed

A room that has errors of its own keeps them in its ``errors.py``; they derive from these, and can be imported from
here too. Each class has a stable `code` and takes facts; the facts cross the wire, and the same error is raised on the
other side.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, ClassVar

_ROOMS = (
    "compute",
    "data",
    "environments",
    "images",
    "images.debian",
    "images.oci",
    "ledger",
    "models",
    "onnx",
    "pipelines",
    "runner",
    "server",
    "services",
    "tracking",
)
"""The rooms with errors of their own."""


class ModelyardError(Exception):
    """Something failed for a reason that can be said; every error of Modelyard derives from this one."""

    code: ClassVar[str] = "error"

    @property
    def facts(self) -> dict[str, Any]:
        """The constructor's arguments, by name: what the text was made from."""
        if type(self).__init__ is Exception.__init__:  # takes a text alone
            return {}
        names = [n for n in inspect.signature(type(self)).parameters if hasattr(self, n)]
        return {name: getattr(self, name) for name in names}


def error_classes(root: type[ModelyardError] = ModelyardError) -> Iterator[type[ModelyardError]]:
    """Walk the tree of errors, `root` first, those of all rooms among them."""
    if root is ModelyardError:
        for room in _ROOMS:
            import_module(f"modelyard.{room}.errors")
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


def nearest(name: str, known: Sequence[str], limit: int = 8) -> tuple[str, ...]:
    """Sort `known` so that the names most like `name` come first, and keep `limit` of them."""
    like = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return tuple([*like, *(k for k in known if k not in like)][:limit])


class InvalidNameError(ModelyardError):
    """A name breaks the rule for names."""

    code = "invalid-name"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"{name[:80]!r} cannot be the name of {kind}. A name has 1 to 128 characters, begins with a letter or "
            "digit (ASCII), and goes on with letters, digits, '.', '_' or '-'."
        )
        self.kind = kind
        self.name = name


class InvalidReferenceError(ModelyardError):
    """Text that should refer to a version does not."""

    code = "invalid-reference"

    def __init__(self, text: str, form: str) -> None:
        super().__init__(f"{text[:80]!r} is not a reference. Write {form}.")
        self.text = text
        self.form = form


class InvalidPathError(ModelyardError):
    """A path leaves its root, or names something that cannot be kept."""

    code = "invalid-path"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The path {path[:200]!r} cannot be used: {reason}.")
        self.path = path
        self.reason = reason


class InvalidValueError(ModelyardError):
    """A value or a request cannot be taken as it is."""

    code = "invalid-value"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason


class NotFoundError(ModelyardError):
    """Nothing of that kind has that name."""

    code = "not-found"

    def __init__(self, kind: str, name: str, known: Sequence[str] = ()) -> None:
        there = f" There are: {', '.join(nearest(name, known))}." if known else ""
        super().__init__(f"There is no {kind} {name!r}.{there}")
        self.kind = kind
        self.name = name
        self.known = tuple(known)


class WorkspaceNotFoundError(NotFoundError):
    """No workspace is where it was looked for."""

    code = "workspace-not-found"

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        super().__init__("workspace", name, known)
        self.args = (f"{self.args[0]} Make one with: modelyard workspace create NAME",)


class AlreadyExistsError(ModelyardError):
    """The name is taken."""

    code = "already-exists"

    def __init__(self, kind: str, name: str, remedy: str) -> None:
        super().__init__(f"There already is a {kind} {name!r}. {remedy}")
        self.kind = kind
        self.name = name
        self.remedy = remedy


class InUseError(ModelyardError):
    """A deletion would break something that stands."""

    code = "in-use"

    def __init__(self, kind: str, name: str, users: Sequence[str]) -> None:
        super().__init__(f"The {kind} {name!r} is used by {', '.join(users)}. Delete or change those first.")
        self.kind = kind
        self.name = name
        self.users = tuple(users)


class StateError(ModelyardError):
    """What is asked is not possible in the state that the thing is in."""

    code = "state"

    def __init__(self, what: str, state: str, asked: str) -> None:
        super().__init__(f"{what} is {state}: it cannot {asked}.")
        self.what = what
        self.state = state
        self.asked = asked


class WaitTimeoutError(ModelyardError):
    """What was waited for did not come in time; it goes on."""

    code = "wait-timeout"

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"Waited {seconds:g} s for {what}, in vain. It goes on; wait again, or longer.")
        self.what = what
        self.seconds = seconds


class NewerWorkspaceError(ModelyardError):
    """The workspace was written by a newer Modelyard; nothing in it was touched."""

    code = "newer-workspace"

    def __init__(self, path: str, found: str, known: str) -> None:
        super().__init__(
            f"The workspace in {path} has schema {found}; this Modelyard knows schemas up to {known}. "
            "Install the newer Modelyard that wrote it."
        )
        self.path = path
        self.found = found
        self.known = known


class StorageFullError(ModelyardError):
    """There is no space left where the workspace keeps its blobs or rows."""

    code = "storage-full"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"No space is left in {path}; nothing was changed. Free some, for instance with: modelyard workspace gc"
        )
        self.path = path


class DigestMismatchError(ModelyardError):
    """Bytes are not those that their digest promises."""

    code = "digest-mismatch"

    def __init__(self, name: str, expected: str, actual: str) -> None:
        super().__init__(f"{name} is damaged: its sha256 should be {expected} and is {actual}. Restore it from a copy.")
        self.name = name
        self.expected = expected
        self.actual = actual


class MissingBlobError(ModelyardError):
    """A blob is referenced, and is not in the store."""

    code = "missing-blob"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The blob {sha256} is not in the store. Upload it first, or restore it from a copy.")
        self.sha256 = sha256


class TokenError(ModelyardError):
    """The request carries no token, or one that is unknown, revoked or expired."""

    code = "token"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} Get a token with: modelyard server token create")
        self.reason = reason


class PermissionDeniedError(ModelyardError):
    """The token's role does not allow the request."""

    code = "permission-denied"

    def __init__(self, role: str, needed: str) -> None:
        super().__init__(f"The token has the role {role}; this needs {needed}. Ask an owner for another token.")
        self.role = role
        self.needed = needed


class UnreachableError(ModelyardError):
    """A server does not answer."""

    code = "unreachable"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} does not answer: {reason}. Is it running? Start it with: modelyard server start")
        self.url = url
        self.reason = reason


class ServerFailureError(ModelyardError):
    """A server answered with what it should not."""

    code = "server-failure"

    def __init__(self, url: str, status: int, text: str) -> None:
        super().__init__(f"{url} answered {status}: {text[:300]}. Its log says more.")
        self.url = url
        self.status = status
        self.text = text


class RunFailedError(ModelyardError):
    """A run that was waited for ended otherwise than completed."""

    code = "run-failed"

    def __init__(self, run: str, status: str, reason: str) -> None:
        super().__init__(f"Run {run} ended as {status}: {reason}")
        self.run = run
        self.status = status
        self.reason = reason


class MissingExtraError(ModelyardError):
    """An optional package is needed, and is not installed."""

    code = "missing-extra"

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"This needs {package}. Install it with: pip install 'modelyard[{extra}]'")
        self.package = package
        self.extra = extra


def __getattr__(name: str) -> Any:
    """Find an error of a room, loaded when it is asked for: ``from modelyard.errors import ResolveError``."""
    for room in _ROOMS if name.endswith(("Error", "Exception")) else ():
        found = getattr(import_module(f"modelyard.{room}.errors"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module 'modelyard.errors' has no attribute {name!r}")
