"""Raw requests and responses for scripts, as Azure Machine Learning has them.

A script whose ``run`` is decorated with `rawhttp` gets an `AMLRequest` and may return an `AMLResponse`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import parse_qsl, unquote

_Run = TypeVar("_Run", bound=Callable[..., Any])
_MARK = "__modelyard_raw__"


def rawhttp(run: _Run) -> _Run:
    """Have ``run`` take an `AMLRequest` in place of the text of the body."""
    setattr(run, _MARK, True)
    return run


def is_raw(run: Callable[..., Any]) -> bool:
    """Tell whether ``run`` takes an `AMLRequest`."""
    return bool(getattr(run, _MARK, False))


class _Call(Protocol):
    @property
    def method(self) -> str: ...
    @property
    def target(self) -> bytes: ...
    @property
    def headers(self) -> dict[bytes, bytes]: ...
    @property
    def body(self) -> bytes: ...


class Fields(Mapping[str, str]):
    """Names with texts, of which one may come several times; ``[name]`` is the first.

    Parameters
    ----------
    fold
        Whether capitals in names do not count.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], *, fold: bool = False) -> None:
        self._fold = fold
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(self._key(name), []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[self._key(name)][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def getlist(self, name: str) -> list[str]:
        """List all values of a name."""
        return list(self._values.get(self._key(name), []))

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """Give the first value of each name, or with ``flat=False`` lists of all."""
        return {name: values[0] if flat else list(values) for name, values in self._values.items()}

    def _key(self, name: str) -> str:
        return name.lower() if self._fold else name


class UploadedFile(io.BytesIO):
    """A file of a form."""

    def __init__(self, content: bytes, filename: str, content_type: str) -> None:
        super().__init__(content)
        self.filename = filename
        self.content_type = content_type


class AMLRequest:
    """A request as it came.

    Attributes
    ----------
    method
        ``GET`` or ``POST``.
    path
        The path without the query, with ``%`` resolved.
    headers
        Their names are found in capitals and small letters alike.
    args
        The query.
    """

    def __init__(self, method: str, target: bytes, headers: Mapping[str, str], body: bytes) -> None:
        path, _, query = target.partition(b"?")
        self.method = method
        self.path = unquote(path.decode("latin-1"))
        self.query_string = query
        self.full_path = target.decode("latin-1")
        self.headers = Fields(headers.items(), fold=True)
        self.args = Fields(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        self._body = body

    @classmethod
    def of(cls, call: _Call) -> Self:
        """Make the request that the server has received."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
        return cls(call.method, call.target, headers, call.body)

    @property
    def data(self) -> bytes:
        """The body."""
        return self._body

    @property
    def stream(self) -> io.BytesIO:
        """The body, to be read from its beginning."""
        return io.BytesIO(self._body)

    @property
    def host(self) -> str:
        """The header ``host``."""
        return self.headers.get("host", "")

    @property
    def url(self) -> str:
        """The address that was asked for."""
        return f"http://{self.host}{self.full_path}"

    @property
    def content_type(self) -> str | None:
        """The header ``content-type``."""
        return self.headers.get("content-type")

    @property
    def mimetype(self) -> str:
        """The content type in small letters, without parameters."""
        return (self.content_type or "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int:
        """How many bytes the body has."""
        return len(self._body)

    @property
    def is_json(self) -> bool:
        """Whether the content type is one of JSON."""
        return self.mimetype == "application/json" or self.mimetype.endswith("+json")

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:  # noqa: ARG002 - as scripts know it
        """Give the body as bytes, or as a text."""
        return self._body.decode("utf-8", "replace") if as_text else self._body

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ARG002 - as scripts know it
        """Read the body as JSON; with `silent`, what is none is None.

        Raises
        ------
        ValueError
            If the content type is not JSON's, unless `force` is set, or the body is not JSON.
        """
        if not (force or self.is_json):
            if silent:
                return None
            raise ValueError(f"the content type is {self.content_type!r}, not application/json")
        try:
            return json.loads(self._body)
        except ValueError:
            if silent:
                return None
            raise

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return self.get_json()

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies."""
        jar = SimpleCookie()
        try:
            jar.load(self.headers.get("cookie", ""))
        except CookieError:
            return {}
        return {name: morsel.value for name, morsel in jar.items()}

    @cached_property
    def form(self) -> Fields:
        """The fields of a form."""
        if self.mimetype == "application/x-www-form-urlencoded":
            return Fields(parse_qsl(self._body.decode("utf-8", "replace"), keep_blank_values=True))
        return Fields((name, content.decode("utf-8", "replace")) for name, file, _, content in self._parts if not file)

    @cached_property
    def files(self) -> dict[str, UploadedFile]:
        """The files of a form."""
        return {name: UploadedFile(content, file, kind) for name, file, kind, content in self._parts if file}

    @property
    def values(self) -> dict[str, str]:
        """The query and the fields of a form."""
        return {**self.form, **self.args}

    @cached_property
    def _parts(self) -> list[tuple[str, str, str, bytes]]:
        if self.mimetype != "multipart/form-data":
            return []
        boundary = _parameters(self.content_type or "").get("boundary", "")
        pieces = (b"\r\n" + self._body).split(b"\r\n--" + boundary.encode("latin-1"))[1:-1]
        return [_part(piece) for piece in pieces]


class AMLResponse:
    """An answer that a script makes itself.

    Parameters
    ----------
    message
        The body: bytes or a text; with `json_str` anything that has a form in JSON. None is ``{}``.
    status_code
        From 200 to 599.
    response_headers
        Further headers. Those of the connection are for the server to say, and left out.
    json_str
        Whether to write `message` as JSON.
    run_function_failed
        What the header ``x-ms-run-function-failed`` says.
    """

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, str] | None = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        as_json = json_str or message is None
        content = json.dumps({} if message is None else message) if as_json else message
        kind = "application/json" if as_json else "text/html; charset=utf-8"
        self.status_code = status_code
        self.headers: dict[str, str] = {"content-type": kind, "x-ms-run-function-failed": str(run_function_failed)}
        for name, value in (response_headers or {}).items():
            self.headers[str(name).lower()] = ", ".join(part.strip() for part in str(value).split(","))
        self._body = content.encode() if isinstance(content, str) else bytes(content)

    def get_data(self) -> bytes:
        """Give the body."""
        return self._body


def _part(piece: bytes) -> tuple[str, str, str, bytes]:
    head, _, content = piece.partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n")]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    names = _parameters(headers.get("content-disposition", ""))
    return names.get("name", ""), names.get("filename", ""), headers.get("content-type", "text/plain"), content


def _parameters(header: str) -> dict[str, str]:
    pairs = [parameter.strip().partition("=") for parameter in header.split(";")[1:]]
    return {name.lower(): value.strip('"') for name, _, value in pairs}
