"""What can go wrong, as errors that say what failed, the value, and what to do.

    ScoringError
    ├── StartError             the server cannot start; `hint` says what to do
    │   ├── SettingError  FolderError  DigestError  KeysFileError  CertificateError
    │   ├── UnknownSettingError  SettingsFileError  SocketError  AddressError
    │   ├── EngineError  AcceleratorError  MissingPackageError
    │   └── ScriptError  SampleError  CheckDiedError
    └── RequestError           one request cannot be answered; `code` is stable
        ├── PathError  MethodError  KeyRefusedError  BodySizeError
        ├── ContentTypeError  EncodingError  NotAcceptableError  MalformedError  FormError  ValueRefusedError
        ├── RaggedRowError  MissingColumnError  UnknownColumnError  RowCountError
        ├── TooManyRowsError  NotReadyError  QueueFullError  DeadlineError
        ├── WebSocketError
        └── ModelFailedError  ScriptFailedError  ApplicationFailedError  ServerFailedError

Those of HTTP are in `http1.errors`, those of scripts in `scripts.errors`. The status of each code is in
`answers.STATUS`.
"""

from __future__ import annotations

import difflib
import signal
from bisect import bisect
from collections.abc import Sequence
from typing import Any, Self

_COMPARED = 32  # names; the time it takes to tell what is alike grows with them, and others wait for it


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Give names that are known, those most like `name` first; of very many, some that begin alike."""
    listed = sorted(known)
    at = bisect(listed, name) - _COMPARED // 2
    at = max(0, min(at, len(listed) - _COMPARED))
    return difflib.get_close_matches(name[:60], listed[at : at + _COMPARED], _COMPARED, cutoff=0.0)


def how_it_ended(status: int | None) -> str:
    """Say in words how a process ended; None where it closed its sockets and was ended for that."""
    if status is None:
        return "it closed its sockets"
    if status < 0:
        return f"it was killed by {signal.Signals(-status).name}"
    return f"it ended with the status {status}"


class ScoringError(Exception):
    """Any error that this package raises on purpose."""


class StartError(ScoringError):
    """The server cannot start."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(f"{text} {hint}".rstrip())
        self.hint = hint


class SettingError(StartError):
    """A command option or environment variable has a value that is not allowed."""

    def __init__(self, variable: str, value: object, allowed: str) -> None:
        got = "not given" if value is None else repr(str(value))
        super().__init__(f"{variable} is {got}.", f"Allowed: {allowed}.")
        self.variable = variable
        self.value = value
        self.allowed = allowed


class UnknownSettingError(SettingError):
    """An environment variable begins as those of the settings do, but is none; its value may be a secret."""

    def __init__(self, prefix: str, name: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(name[:60], known, 1)
        meant = f"Did you mean {prefix}{near[0]}? " if near else ""
        StartError.__init__(self, f"{prefix}{name[:60]} is not a setting.", f"{meant}modelyard-score --help has all.")


class SettingsFileError(SettingError):
    """The file of settings cannot be used."""

    def __init__(self, file: object, problem: str) -> None:
        StartError.__init__(self, f"The settings file {file} {problem}.", "docs/reference/model-folder.md says more.")


class SocketError(StartError):
    """A socket that was handed to the server cannot be served at."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The socket that the server was given {problem}.", "It takes TCP sockets that listen.")


class AddressError(StartError):
    """The server cannot listen where it should."""

    def __init__(self, option: str, address: str, problem: str) -> None:
        hint = f"Another {option} may be free, and 0 picks one that is."
        super().__init__(f"The server cannot listen at {address} ({option}): {problem}.", hint)
        self.address = address


class FolderError(StartError):
    """The model folder is not as docs/reference/model-folder.md says."""

    def __init__(self, place: object, problem: str, hint: str = "") -> None:
        super().__init__(f"{place}: {problem}.", hint)
        self.place = str(place)


class DigestError(StartError):
    """A file has other bytes than those that were registered."""

    def __init__(self, file: object, wanted: str, got: str) -> None:
        super().__init__(
            f"{file} has sha256 {got}, but service.json says {wanted}.",
            "The file was changed or damaged; write the model folder again.",
        )
        self.file = str(file)
        self.wanted = wanted
        self.got = got


class KeysFileError(StartError):
    """The file of keys cannot be used."""

    def __init__(self, file: object, problem: str) -> None:
        super().__init__(
            f"The keys file {file} {problem}.",
            'It is JSON {"primary": "...", "secondary": "..."} with keys of 16 to 256 visible characters, mode 0600, '
            "or 0440 where root owns it and the server runs as another user.",
        )


class CertificateError(StartError):
    """A file of the server's TLS cannot be used."""

    def __init__(self, file: object, problem: str) -> None:
        super().__init__(
            f"The file {file} {problem}.",
            "A certificate and its chain, and their key without a password, are PEM files; the key's has mode 0600, "
            "or 0440 where root owns it and the server runs as another user.",
        )
        self.file = str(file)


class EngineError(StartError):
    """The engine cannot serve the model, or no model at all."""

    def __init__(self, model: str, problem: str, hint: str = "") -> None:
        what = f"The model {model}" if model else "No ONNX model"
        super().__init__(f"{what} cannot be served: {problem}.", hint)
        self.model = model


class AcceleratorError(StartError):
    """The accelerator that service.json asks for cannot be used."""

    def __init__(self, name: str, problem: str, installed: Sequence[str], package: str) -> None:
        super().__init__(
            f"The accelerator {name!r} cannot be used: {problem}. There are: {', '.join(installed)}.",
            f"Install {package} in place of the onnxruntime that is there, or let service.json name what is there.",
        )
        self.name = name
        self.installed = tuple(installed)


class ScriptError(StartError):
    """The entry script cannot be used."""

    def __init__(self, script: object, problem: str, hint: str = "") -> None:
        super().__init__(f"The script {script} {problem}.", hint)
        self.script = str(script)


class SampleError(StartError):
    """The warm-up did not give the recorded answer."""

    def __init__(self, model: str, where: str, wanted: object, got: object) -> None:
        super().__init__(
            f"The model {model} does not answer its sample as it was recorded: at {where}, "
            f"wanted {wanted!r}, got {got!r}.",
            "The model or its packages are not those that were registered, or the tolerance is too small.",
        )
        self.where = where


class MissingPackageError(StartError):
    """What was asked for needs a package that is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(f"{what} needs the package {package}.", f"Install it: pip install 'modelyard[{extra}]'.")
        self.package = package


class CheckDiedError(StartError):
    """The process that ran the code ended before the check was done.

    Parameters
    ----------
    status
        How it ended, negative for a signal.
    trace
        Where the code was, as far as that is known.
    """

    def __init__(self, status: int, trace: str | None) -> None:
        super().__init__(f"The process that ran the code ended before the check was done: {how_it_ended(status)}.")
        self.exit_status = status
        self.trace = trace


class RequestError(ScoringError):
    """A request cannot be answered; `facts` are the other fields of the answer's JSON."""

    code: str = "bad-request"

    def __init__(self, text: str, **facts: Any) -> None:
        super().__init__(text)
        self.facts = facts

    def within(self, tensor: str) -> Self:
        """Say in which of several tensors it is."""
        self.args = (f"In the tensor {tensor!r}: {self}",)
        self.facts["tensor"] = tensor
        return self


class BodySizeError(RequestError):
    """The body is larger than this service takes."""

    code = "body-too-large"

    def __init__(self, max_bytes: int, part: str = "A body", advice: str = "send fewer rows at a time") -> None:
        super().__init__(f"{part} has at most {max_bytes} bytes, got more; {advice}.", wanted=max_bytes, got="more")


class PathError(RequestError):
    """Nothing is served at this path."""

    code = "unknown-path"

    def __init__(self, path: str, known: Sequence[str]) -> None:
        more = f" and {len(known) - 8} more" if len(known) > 8 else ""
        super().__init__(f"Nothing is served at {path[:200]!r}. Served: {', '.join(nearest(path, known)[:8])}{more}.")


class MethodError(RequestError):
    """The path does not take this method."""

    code = "wrong-method"

    def __init__(self, method: str, path: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{path[:200]} takes {' or '.join(allowed)}, not {method[:20]}.")
        self.allowed = tuple(allowed)


class KeyRefusedError(RequestError):
    """The request carries no key, or a wrong one."""

    code = "wrong-key"

    def __init__(self, *, given: bool) -> None:
        problem = "is not a key of this service" if given else "is missing"
        super().__init__(f"The key {problem}. Send the header 'Authorization: Bearer KEY' or 'x-api-key: KEY'.")


class ContentTypeError(RequestError):
    """The body is in a format that is not taken."""

    code = "wrong-content-type"

    def __init__(self, got: str, wanted: Sequence[str]) -> None:
        curl = got.startswith("application/x-www-form-urlencoded")  # which is what it sends unless it is told
        hint = f" With curl add -H 'Content-Type: {wanted[0]}'." if curl else ""
        super().__init__(
            f"The content type {got[:100]!r} is not taken. Send {' or '.join(wanted)}.{hint}",
            wanted=list(wanted),
            got=got[:100],
        )


class EncodingError(RequestError):
    """The body is compressed in a way that is not taken."""

    code = "wrong-encoding"

    def __init__(self, got: str, wanted: Sequence[str]) -> None:
        self.wanted = tuple(wanted)
        text = f"The content encoding {got[:100]!r} is not taken. Send one of {', '.join(wanted)}."
        super().__init__(text, wanted=list(wanted), got=got[:100])


class NotAcceptableError(RequestError):
    """The answer cannot be given in a form that the client takes."""

    code = "not-acceptable"

    def __init__(self, got: str, wanted: Sequence[str]) -> None:
        super().__init__(
            f"The answer cannot be given as {got[:100]!r}. Accept {' or '.join(wanted)}.",
            wanted=list(wanted),
            got=got[:100],
        )


class MalformedError(RequestError):
    """The body is not what its content type says."""

    code = "malformed-body"

    def __init__(self, what: str, problem: str, **facts: Any) -> None:
        super().__init__(f"The body is not {what}: {problem}.", **facts)


class FormError(RequestError):
    """The body is well-formed, but not in a form that carries rows for this model."""

    code = "wrong-form"

    def __init__(self, wanted: str, got: str, **facts: Any) -> None:
        super().__init__(f"Wanted {wanted}, got {got}.", wanted=wanted, got=got, **facts)


class ValueRefusedError(RequestError):
    """A value is not of its column's type."""

    code = "wrong-value"

    def __init__(self, row: int, column: str | int | None, wanted: str, got: str) -> None:
        where = f"row {row}" if column is None else f"row {row}, column {column!r}"
        super().__init__(f"At {where}: wanted {wanted}, got {got}.", row=row, column=column, wanted=wanted, got=got)


class RaggedRowError(RequestError):
    """A row has another number of values than the model takes."""

    code = "ragged-row"

    def __init__(self, row: int, wanted: int, got: int) -> None:
        super().__init__(f"Row {row} has {got} values, wanted {wanted}.", row=row, wanted=wanted, got=got)


class MissingColumnError(RequestError):
    """A column of the model is not in the request."""

    code = "missing-column"

    def __init__(self, column: str, row: int | None = None) -> None:
        where = "" if row is None else f" in row {row}"
        super().__init__(f"The column {column!r} is missing{where}.", column=column, row=row)


class UnknownColumnError(RequestError):
    """The request has a column that the model does not know, or has one twice."""

    code = "unknown-column"

    def __init__(self, column: str, known: Sequence[str], row: int | None = None) -> None:
        near = difflib.get_close_matches(column[:60], nearest(column, known)[:1])
        hint = f" Did you mean {near[0]!r}?" if near and near[0] != column else ""
        problem = "comes twice" if column in known else "is not one of the model's"
        super().__init__(f"The column {column[:100]!r} {problem}.{hint}", column=column[:100], row=row)


class RowCountError(RequestError):
    """The request has no rows."""

    code = "no-rows"

    def __init__(self) -> None:
        super().__init__("The request has no rows; send at least one.", wanted=1, got=0)


class TooManyRowsError(RequestError):
    """The request has more rows than this service takes at a time."""

    code = "too-many-rows"

    def __init__(self, got: int, wanted: int) -> None:
        super().__init__(f"The request has {got} rows; send at most {wanted} at a time.", wanted=wanted, got=got)


class NotReadyError(RequestError):
    """The models are still being loaded, or the server is stopping."""

    code = "not-ready"

    def __init__(self, phase: str) -> None:
        super().__init__(f"The service is not ready: it is in the phase {phase!r}. Try again soon.", phase=phase)


class QueueFullError(RequestError):
    """As many requests are waiting as may."""

    code = "queue-full"

    def __init__(self, max_queue: int) -> None:
        super().__init__(f"{max_queue} requests are waiting already. Try again soon.")


class DeadlineError(RequestError):
    """The answer was not ready in time."""

    code = "deadline"

    def __init__(self, timeout: float) -> None:
        super().__init__(f"The answer was not ready within {timeout:g} s.")


class WebSocketError(RequestError):
    """The request asks for a WebSocket."""

    code = "no-websocket"

    def __init__(self) -> None:
        super().__init__("WebSockets are not served. Send a plain HTTP request.")


class ModelFailedError(RequestError):
    """The model failed on this request; the log has the traceback under the request's id."""

    code = "model-failed"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The model failed with {kind}. The log of the service says more under this request's id.")


class ScriptFailedError(RequestError):
    """The script raised on this request, or returned no JSON; the log has the traceback."""

    code = "script-failed"

    def __init__(self, kind: str, **facts: Any) -> None:
        text = f"The script failed with {kind}. The log of the service says more under this request's id."
        super().__init__(text, **facts)


class ApplicationFailedError(RequestError):
    """The application raised on this request before it answered, or gave no whole answer; the log has the traceback."""

    code = "application-failed"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The application failed with {kind}. The log says more under this request's id.")


class ServerFailedError(RequestError):
    """The server itself failed; that is a bug, and the log has its traceback."""

    code = "server-failed"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The server failed with {kind}. Its log says more under this request's id.")
