"""What the calls of one worker share."""

from __future__ import annotations

from msgspec import Struct

from modelyard_scoring.folder import Service
from modelyard_scoring.keys import Keys
from modelyard_scoring.lanes import Lanes
from modelyard_scoring.server import Server


class RpcParts(Struct, frozen=True, kw_only=True):
    """What is served, behind which keys and queues."""

    service: Service
    server: Server
    lanes: Lanes
    keys: Keys | None
