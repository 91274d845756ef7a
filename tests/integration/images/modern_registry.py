"""A small registry of distribution specification 1.1, for what distribution 2.8 does not do, and for what none should.

It takes up uploads where they were cut, lists what is attached to an image, redirects, and can be told to send what it
should not.
"""

import base64
import hashlib
import json
import re
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
PAGE = 1


class Upload:
    """What has come of a blob; one request at a time adds to it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.lock = threading.Lock()


class ModernRegistry:
    """A registry in threads of the test.

    Parameters
    ----------
    password
        What ``ann`` must send, if anything.
    forgets
        Whether an upload that was cut is lost.
    takes_ranges
        Whether a part of a blob can be asked for.
    blobs_at, uploads_at
        The address that blobs are fetched from and sent to, if elsewhere.
    spoil
        Changes what is sent as a blob or manifest.
    """

    def __init__(
        self,
        *,
        password: str = "",
        forgets: bool = False,
        takes_ranges: bool = True,
        blobs_at: str = "",
        uploads_at: str = "",
        spoil: Callable[[bytes], bytes] = lambda data: data,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.password, self.forgets, self.takes_ranges = password, forgets, takes_ranges
        self.blobs_at, self.uploads_at, self.spoil = blobs_at, uploads_at, spoil
        self.claims = ""
        """The digest under which it says to keep what it gets."""
        self.takes = 1 << 40
        """How many bytes of a request it takes."""
        self.loses = 0
        """How many times it loses an upload."""
        self.doubts = False
        """Whether it finds every digest wrong."""
        self.endless = False
        """Whether each list of what is attached goes on with itself."""
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.uploads: dict[str, Upload] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.received = 0
        self.sent = 0
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"registry": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self.name = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def authorizations(self) -> set[str]:
        """What requests carried as ``Authorization``."""
        return {header for _, _, header in self.requests if header}


def digest_of(data: bytes) -> str:
    """Give the digest of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class _Handler(BaseHTTPRequestHandler):
    registry: ModernRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def _dispatch(self) -> None:
        own, path = self.registry, urlsplit(self.path).path
        with own.lock:
            own.requests.append((self.command, self.path, self.headers.get("authorization", "")))
        wanted = "Basic " + base64.b64encode(f"ann:{own.password}".encode()).decode()
        if own.password and self.headers.get("authorization") != wanted:
            self._body()
            return self._answer(401, headers={"www-authenticate": 'Basic realm="modern"'})
        if path == "/v2/":
            return self._answer(200, b"{}")
        for pattern, method in _ROUTES:
            if (match := re.fullmatch(pattern, path)) is not None:
                return getattr(self, method)(**match.groupdict())
        return self._answer(404, b"404 page not found")

    def blob(self, digest: str) -> None:
        data = self.registry.blobs.get(digest)
        if data is None:
            return self._answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        if self.registry.blobs_at and self.command == "GET":
            return self._answer(307, headers={"location": f"{self.registry.blobs_at}{self.path}?signature=s3cret"})
        data = self.registry.spoil(data) if self.command == "GET" else data
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        if asked and self.registry.takes_ranges:
            start = int(asked[1])
            headers = {"content-range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            return self._answer(206, data[start:], headers)
        return self._answer(200, data)

    def begin(self) -> None:
        self._body()
        with self.registry.lock:
            name = f"u{len(self.registry.uploads)}"
            self.registry.uploads[name] = Upload()
        location = f"{self.registry.uploads_at}{urlsplit(self.path).path}{name}?state={name}"
        self._answer(202, headers={"location": location, "range": "0-0"})

    def upload(self, name: str) -> None:
        upload = self.registry.uploads.get(name, Upload())
        with upload.lock:
            if name not in self.registry.uploads or (self.registry.forgets and upload.data and self.command == "GET"):
                self._body()
                self._answer(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
            elif self.command == "GET":
                self._answer(204, headers=self._where(upload.data))
            elif self.command == "PATCH":
                self._append(upload.data)
            elif self._body(upload.data) is not None:
                self._finish(upload.data)

    def _append(self, upload: bytearray) -> None:
        start = re.fullmatch(r"(\d+)-\d+", self.headers.get("content-range", ""))
        if int(start[1] if start else 0) != len(upload):
            self.close_connection = True
            self._answer(416, headers=self._where(upload))
        elif self.registry.loses:
            self._body()
            self.registry.loses -= 1
            self._answer(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
        elif self._body(upload) is not None:
            del upload[int(start[1] if start else 0) + self.registry.takes :]
            self._answer(202, headers=self._where(upload))

    def _finish(self, upload: bytearray) -> None:
        (digest,) = parse_qs(urlsplit(self.path).query)["digest"]
        if digest != digest_of(upload) or self.registry.doubts:
            self._answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
            return
        self.registry.blobs[digest] = bytes(upload)
        self._answer(201, headers={"docker-content-digest": self.registry.claims or digest})

    def manifest(self, target: str) -> None:
        own = self.registry
        if self.command == "PUT":
            data = bytes(self._body() or b"")
            own.manifests[target] = own.manifests[digest_of(data)] = (self.headers["content-type"], data)
            subject = json.loads(data).get("subject")
            more = {"oci-subject": subject["digest"]} if subject else {}
            return self._answer(201, headers={"docker-content-digest": own.claims or digest_of(data), **more})
        if target not in own.manifests:
            return self._answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        kind, data = own.manifests[target]
        headers = {"content-type": kind, "docker-content-digest": digest_of(data)}
        return self._answer(200, own.spoil(data), headers)

    def referrers(self, digest: str) -> None:
        """List what is attached, one a page."""
        kept = {digest_of(data): (kind, data) for kind, data in self.registry.manifests.values()}
        found = [
            {
                "mediaType": kind,
                "digest": one,
                "size": len(data),
                "artifactType": json.loads(data).get("artifactType", ""),
            }
            for one, (kind, data) in sorted(kept.items())
            if json.loads(data).get("subject", {}).get("digest") == digest
        ]
        start = int(parse_qs(urlsplit(self.path).query).get("start", ["0"])[0])
        page = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found[start : start + PAGE]}
        following = 0 if self.registry.endless else start + PAGE
        more = {"link": f'<{urlsplit(self.path).path}?start={following}>; rel="next"'} if found[following:] else {}
        self._answer(200, json.dumps(page).encode(), {"content-type": INDEX, **more})

    def _where(self, upload: bytearray) -> dict[str, str]:
        return {"location": self.path, "range": f"0-{max(len(upload) - 1, 0)}"}

    def _body(self, into: bytearray | None = None) -> bytearray | None:
        """Read what the request carries as it comes; nothing if the connection ends before."""
        into = bytearray() if into is None else into
        left = int(self.headers.get("content-length", 0))
        while left:
            try:
                data = self.rfile.read1(min(left, 1 << 16))
            except OSError:
                data = b""
            if not data:
                self.close_connection = True
                return None
            into += data
            left -= len(data)
            with self.registry.lock:
                self.registry.received += len(data)
        return into

    def _answer(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        told = {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(data)
            with self.registry.lock:
                self.registry.sent += len(data)


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH"):
    setattr(_Handler, f"do_{_method}", _Handler._dispatch)

_ROUTES = [
    (r"/v2/.+/blobs/uploads/", "begin"),
    (r"/v2/.+/blobs/uploads/(?P<name>[^/]+)", "upload"),
    (r"/v2/.+/blobs/(?P<digest>[^/]+)", "blob"),
    (r"/v2/.+/manifests/(?P<target>[^/]+)", "manifest"),
    (r"/v2/.+/referrers/(?P<digest>[^/]+)", "referrers"),
]
