"""The certificates of the port for gRPC: those of the main port."""

from __future__ import annotations

from typing import Any

import grpc

from modelyard_scoring.credentials.certificates import Certificates, Pems


def server_credentials(certificates: Certificates) -> grpc.ServerCredentials:
    """Give what grpc listens with; it asks at each new connection whether there are other certificates."""
    shown = certificates.pems

    def renewed() -> Any:
        nonlocal shown
        if certificates.pems is shown:
            return None
        shown = certificates.pems
        return _configuration(shown)

    return grpc.dynamic_ssl_server_credentials(_configuration(shown), renewed, certificates.required)


def _configuration(pems: Pems) -> Any:
    return grpc.ssl_server_certificate_configuration([(pems.key, pems.chain)], pems.authorities)
