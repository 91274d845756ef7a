"""A client's side of scoring: how rows become a request, and what becomes of the answer."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from modelyard.errors import InvalidValueError, ServerFailureError, UnreachableError, WaitTimeoutError

_TAKEN = 30.0
_PAUSE = 0.05


def score(  # noqa: PLR0913 - what a request is made of, all by keyword
    url: str,
    input_data: Any,
    *,
    service: str,
    key: str | None,
    headers: Mapping[str, str],
    certificate: str | None,
    timeout: float,
) -> Any:
    """Send a request and return the answer.

    Raises
    ------
    UnreachableError
        If the service does not answer.
    InvalidValueError
        If it refuses the request.
    ServerFailureError
        If it fails.
    """
    import httpx

    presented = {"authorization": f"Bearer {key}"} if key else {}
    sent = {**presented, "content-type": "application/json", **headers}
    try:
        verify = _verified(certificate)
        answer = httpx.post(
            url, content=body(input_data), headers=sent, timeout=timeout, trust_env=False, verify=verify
        )
    except httpx.TransportError as error:
        raise UnreachableError(url, str(error) or type(error).__name__) from error
    if 400 <= answer.status_code < 500:
        raise InvalidValueError(f"{service} refused the request ({answer.status_code})", _reason(answer.content))
    if not answer.is_success:
        raise ServerFailureError(url, answer.status_code, answer.text)
    return msgspec.json.decode(answer.content)


def until_taken(url: str, key: str, certificate: str | None) -> None:
    """Wait until a service takes a new key.

    Raises
    ------
    WaitTimeoutError
        If it does not within 30 seconds.
    """
    import httpx

    deadline = time.monotonic() + _TAKEN
    with httpx.Client(trust_env=False, verify=_verified(certificate), timeout=5) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(f"{url}/v2", headers={"authorization": f"Bearer {key}"}).status_code != 401:
                    return
            except httpx.TransportError:
                pass  # the runner is about to start the router
            time.sleep(_PAUSE)
    raise WaitTimeoutError("the new key to be taken", _TAKEN)


def unanswered(url: str, certificate: str | None, *, routed: bool) -> str:
    """Ask a service at its address whether it is ready; empty if it is, else why not."""
    import httpx

    verify: ssl.SSLContext | bool = True
    if certificate is not None:
        verify = ssl.create_default_context(cafile=certificate)
        verify.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        verify.check_hostname = False  # it is for the name by which clients know the service
    try:
        answer = httpx.get(f"{url}/ready", timeout=5, trust_env=False, verify=verify)
    except httpx.HTTPError as error:
        return f"{url} does not answer: {error}"
    if routed and "x-modelyard-revision" not in answer.headers and answer.is_success:
        return f"another program answers at {url}"
    return "" if answer.is_success else f"{url}/ready answers {answer.status_code}: {_reason(answer.content).strip()}"


def _verified(certificate: str | None) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=certificate) if certificate else True


def body(input_data: Any) -> bytes:
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


def _reason(content: bytes) -> str:
    """Take the text out of what the server says of a request it refused."""
    try:
        return str(msgspec.json.decode(content)["text"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return content[:300].decode(errors="replace")
