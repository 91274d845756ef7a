"""Credentials by reference: where one is, never what it is; it is read where and when it is used."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from modelyard.data.errors import CredentialMissingError, CredentialReferenceError
from modelyard.errors import MissingExtraError
from modelyard.settings import Secret

_FORMS = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "file": re.compile(r"/[^\x00]+"),
    "keyring": re.compile(r"[^/\x00]+/[^\x00]+"),
}


def check_reference(what: str, reference: str | None) -> None:
    """Check that `reference`, if there is one, says where a credential is.

    Raises
    ------
    CredentialReferenceError
        If it does not, and so may be the credential itself: it is not shown.
    """
    if reference is None:
        return
    scheme, _, rest = reference.partition(":")
    if scheme not in _FORMS or _FORMS[scheme].fullmatch(rest) is None:
        raise CredentialReferenceError(what)


def resolve(what: str, reference: str) -> Secret:
    """Read a credential, on the machine that uses it.

    Raises
    ------
    CredentialMissingError
        If nothing is where `reference` says.
    CredentialReferenceError
        If it is no reference.
    """
    check_reference(what, reference)
    scheme, _, rest = reference.partition(":")
    found = _READ[scheme](reference, rest).strip()
    if not found:
        raise CredentialMissingError(reference, "it is empty")
    return Secret(found)


def _from_environment(reference: str, name: str) -> str:
    if name not in os.environ:
        raise CredentialMissingError(reference, "the variable is not set here")
    return os.environ[name]


def _from_file(reference: str, path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise CredentialMissingError(reference, f"the file cannot be read: {reason}") from None


def _from_keyring(reference: str, place: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingExtraError("keyring", "keyring") from None
    service, _, user = place.partition("/")
    try:
        found = keyring.get_password(service, user)
    except KeyringError as error:
        raise CredentialMissingError(reference, f"the keyring does not answer: {error}") from None
    if found is None:
        raise CredentialMissingError(reference, "the keyring has none")
    return str(found)


_READ: dict[str, Callable[[str, str], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
}
