"""The keys that clients present, read from a file and read again when it changes."""

from __future__ import annotations

import hmac
import logging
import os
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard_scoring.errors import KeyRefusedError, KeysFileError
from modelyard_scoring.secrecy import KEY, Secret, is_private
from modelyard_scoring.settings import Settings

_log = logging.getLogger(__name__)


class _KeyFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    primary: str
    secondary: str | None = None


class Keys:
    """Tells whether a request carries one of the two keys.

    Only digests are kept, so that no key appears in a dump or a traceback, and comparisons take the same time
    for keys of any length.

    Parameters
    ----------
    source
        The file that holds the keys, or the one key.
    """

    def __init__(self, source: Path | Secret) -> None:
        self.file = source if isinstance(source, Path) else None
        if isinstance(source, Secret):
            self._digests = (sha256(source.text.encode()).digest(),) * 2
        else:
            self._seen = _identity(source)
            self._digests = _read(source)

    def check(self, authorization: bytes | None, api_key: bytes | None = None) -> None:
        """Accept a header ``x-api-key: KEY``, or without one ``Authorization: Bearer KEY``.

        Beside an ``x-api-key`` the other header does not count: it may be meant for a proxy before the service.

        Raises
        ------
        KeyRefusedError
            If there is neither header, or its key is neither of the two.
        """
        if api_key is not None:
            scheme, key = b"bearer", api_key
        elif authorization is not None:
            scheme, _, key = authorization.partition(b" ")
        else:
            raise KeyRefusedError(given=False)
        given = sha256(key.strip()).digest()
        first, second = self._digests
        right = hmac.compare_digest(given, first) | hmac.compare_digest(given, second)
        if not right or scheme.lower() != b"bearer":
            raise KeyRefusedError(given=True)

    def refresh(self) -> bool:
        """Read the file again if it changed, and tell whether the keys may be others.

        A file that cannot be used leaves them as they are.
        """
        if self.file is None:
            return False
        try:
            identity = _identity(self.file)
            if identity == self._seen:
                return False
            self._seen = identity
            self._digests = _read(self.file)
        except KeysFileError as error:
            _log.error("The keys stay as they were: %s", error)
            return False
        _log.info("The keys were read again from %s.", self.file)
        return True


def read_keys(settings: Settings) -> Keys | None:
    """Give the keys of a service; None where it has none.

    Raises
    ------
    KeysFileError
        If their file cannot be used.
    """
    source = settings.key or settings.keys_file
    return None if source is None else Keys(source)


def _identity(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except OSError as error:
        raise KeysFileError(file, f"cannot be read: {error.strerror}") from error
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(file: Path) -> tuple[bytes, bytes]:
    try:
        with file.open("rb") as stream:
            if not is_private(os.fstat(stream.fileno()), os.geteuid()):
                raise KeysFileError(file, "can be read by others than its owner")
            content = msgspec.json.decode(stream.read(10_000), type=_KeyFile)
    except OSError as error:
        raise KeysFileError(file, f"cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise KeysFileError(file, "has other contents than it should") from None  # the cause could show a key
    keys = [content.primary, content.primary if content.secondary is None else content.secondary]
    if not all(KEY.fullmatch(key) for key in keys):
        raise KeysFileError(file, "holds a key of another form")
    first, second = (sha256(key.encode()).digest() for key in keys)
    return first, second
