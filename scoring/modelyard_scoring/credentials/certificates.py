"""TLS: the certificate, its key and the authorities of clients, read from files and again when they change."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path
from typing import NamedTuple

from modelyard_scoring.errors import CertificateError
from modelyard_scoring.secrecy import is_private
from modelyard_scoring.settings import Settings

_log = logging.getLogger(__name__)
# for TLS 1.2; those of 1.3 are all sound
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Pems(NamedTuple):
    """The contents of the files."""

    key: bytes
    chain: bytes
    authorities: bytes | None


class Certificates:
    """What the server shows of itself, and wants to see of its clients.

    Attributes
    ----------
    context
        For the handshakes of new connections; a change of the files gives another one.
    pems
        What the context was made from, for grpc, which makes its own.
    required
        Whether a client without a certificate is refused.
    """

    def __init__(self, certificate: Path, key: Path, authorities: Path | None, *, required: bool) -> None:
        self._certificate = certificate
        self._key = key
        self._authorities = authorities
        self.required = required and authorities is not None
        self._seen = self._identity()
        self.pems = self._read()
        self.context = self._make()

    def refresh(self) -> bool:
        """Read the files again if one changed, and tell whether they gave another context.

        Files that cannot be used, such as a certificate whose key is not there yet, leave the context as it is.
        """
        try:
            identity = self._identity()
            if identity == self._seen:
                return False
            self._seen = identity
            pems = self._read()
            self.context = self._make()
            self.pems = pems
        except CertificateError as error:
            _log.error("The certificate stays as it was: %s", error)
            return False
        _log.info("The certificate was read again from %s.", self._certificate)
        return True

    def _identity(self) -> list[tuple[int, int, int]]:
        files = [self._certificate, self._key, *([self._authorities] if self._authorities else [])]
        return [_identity(file) for file in files]

    def _read(self) -> Pems:
        authorities = None if self._authorities is None else _content(self._authorities)
        return Pems(key=_content(self._key), chain=_content(self._certificate), authorities=authorities)

    def _make(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_ciphers(_CIPHERS)
        context.set_alpn_protocols(["http/1.1"])
        if not is_private(_status(self._key), os.geteuid()):
            raise CertificateError(self._key, "can be read by others than its owner")
        try:
            # without a password OpenSSL would ask for one at the terminal
            context.load_cert_chain(self._certificate, self._key, password="")
        except (OSError, ValueError) as error:
            raise CertificateError(self._certificate, f"does not go with its key {self._key}: {error}") from error
        if self._authorities is not None:
            self._ask_clients(context, self._authorities)
        return context

    def _ask_clients(self, context: ssl.SSLContext, authorities: Path) -> None:
        try:
            context.load_verify_locations(authorities)
        except (OSError, ValueError) as error:
            raise CertificateError(authorities, f"holds no authorities: {error}") from error
        context.verify_mode = ssl.CERT_REQUIRED if self.required else ssl.CERT_OPTIONAL


def read_certificates(settings: Settings) -> Certificates | None:
    """Read the certificates that the settings name; None without TLS.

    Raises
    ------
    CertificateError
        If a file cannot be used.
    """
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    required = settings.tls_client_certificates == "required"
    return Certificates(settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file, required=required)


def _identity(file: Path) -> tuple[int, int, int]:
    status = _status(file)
    return status.st_mtime_ns, status.st_ino, status.st_size


def _status(file: Path) -> os.stat_result:
    try:
        return file.stat()
    except OSError as error:
        raise CertificateError(file, f"cannot be read: {error.strerror}") from error


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateError(file, f"cannot be read: {error.strerror}") from error
