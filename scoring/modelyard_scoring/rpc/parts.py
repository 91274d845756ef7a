"""What the calls of one worker share."""

from __future__ import annotations

from msgspec import Struct

from modelyard_scoring.credentials.certificates import Certificates
from modelyard_scoring.credentials.keys import Keys
from modelyard_scoring.http1.server import Server
from modelyard_scoring.queues.lanes import Lanes
from modelyard_scoring.service.folder import Service


class RpcParts(Struct, frozen=True, kw_only=True):
    """What is served, behind which keys, certificates and queues."""

    service: Service
    server: Server
    lanes: Lanes
    keys: Keys | None
    certificates: Certificates | None
