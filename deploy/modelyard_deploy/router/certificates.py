"""The certificate of a service: tried before it is used, and read again by Envoy when its files are exchanged."""

from __future__ import annotations

import ssl
from pathlib import Path

from modelyard.services.route import Tls
from modelyard_deploy.router.document import Json, typed, watched
from modelyard_deploy.router.errors import RouterFileError
from modelyard_deploy.router.naming import CERTIFICATES, inner, service_folder


def check_pair(tls: Tls) -> None:
    """Try whether a certificate and its key can be served with.

    Raises
    ------
    RouterFileError
        If they cannot be read, or do not belong together.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password="")
    except ssl.SSLError as error:
        reason = f"with the key {tls.key} it cannot be served with ({error.reason or error})."
        raise RouterFileError(tls.certificate, reason) from error
    except OSError as error:
        raise RouterFileError(tls.certificate, f"with the key {tls.key}: {error.strerror}.") from error


def certificate(service: str, tls: Tls) -> Json:
    """Make the document that says where a service's certificate is."""
    return typed(
        "envoy.extensions.transport_sockets.tls.v3.Secret",
        name=inner(service),
        tls_certificate={
            "certificate_chain": {"filename": tls.certificate},
            "private_key": {"filename": tls.key},
            "watched_directory": {"path": str(Path(tls.certificate).parent)},
        },
    )


def transport(service: str) -> Json:
    """Make the part of a listener that speaks TLS, with HTTP/2 for those who know it."""
    source = watched(service_folder(service), CERTIFICATES)
    common = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [{"name": inner(service), "sds_config": source}],
    }
    kind = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    return {"name": "tls", "typed_config": typed(kind, common_tls_context=common)}
