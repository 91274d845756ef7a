"""A token service as the real registry wants it: signed tokens for those who know the password."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import load_pem_x509_certificate


class TokenService:
    """Gives ``ann`` what she asks for, and everybody who may `read_only` without a name."""

    def __init__(self, folder: Path, password: str) -> None:
        self.password = password
        self.asked: list[tuple[str, list[str]]] = []
        self.lasts = 300
        authority = trustme.CA()
        certificate = authority.issue_cert("tokens.example")
        self._key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
        chain = [load_pem_x509_certificate(one.bytes()) for one in certificate.cert_chain_pems[:1]]
        self._chain = [base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode() for one in chain]
        authority.cert_pem.write_to_path(str(folder / "authority.pem"))
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.realm = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        self.auth = {
            "token": {
                "realm": self.realm,
                "service": "tests",
                "issuer": "tests",
                "rootcertbundle": str(folder / "authority.pem"),
            }
        }
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, scopes: list[str]) -> str:
        """Sign a token for what is asked for."""
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {
            "iss": "tests",
            "sub": "ann",
            "aud": "tests",
            "exp": now + self.lasts,
            "nbf": now - 10,
            "iat": now,
            "jti": str(len(self.asked)),
            "access": access,
        }
        text = ".".join(_part(one) for one in ({"typ": "JWT", "alg": "ES256", "x5c": self._chain}, claims))
        assert isinstance(self._key, ec.EllipticCurvePrivateKey)
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class _Handler(BaseHTTPRequestHandler):
    service: TokenService

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        header = self.headers.get("authorization", "")
        wanted = "Basic " + base64.b64encode(f"ann:{self.service.password}".encode()).decode()
        self._give(parse_qs(urlsplit(self.path).query).get("scope", []), header, header == wanted)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        known = form["refresh_token"] == [self.service.password] and form["grant_type"] == ["refresh_token"]
        self._give(form["scope"][0].split(), "refresh", known)

    def _give(self, scopes: list[str], header: str, known: bool) -> None:
        self.service.asked.append((header, scopes))
        self.send_response(200 if known else 401)
        self.end_headers()
        if known:
            self.wfile.write(json.dumps({"token": self.service.token(scopes), "expires_in": 300}).encode())


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
