"""``python -m modelyard_scoring.health``: ask the server of this container whether it is live, as its engine does."""

from __future__ import annotations

import http.client
import os
import ssl
import sys
from collections.abc import Mapping

from modelyard_scoring.arguments import PREFIX

_TIMEOUT = 2.0


def is_live(environ: Mapping[str, str]) -> bool:
    """Ask ``/live`` at the admin port, if the variables name one, else at the main port, with TLS if that has it."""
    admin = environ.get(PREFIX + "ADMIN_PORT")
    port = int(admin or environ.get(PREFIX + "PORT") or 8080)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    if admin is None and PREFIX + "TLS_CERT_FILE" in environ:
        # the certificate is for the name that callers use, which is not the one here
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=_TIMEOUT, context=context)
    try:
        connection.request("GET", "/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_live(os.environ) else 1)
