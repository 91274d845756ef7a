"""What is answered to each call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator
from time import perf_counter
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from modelyard_scoring.answers import STATUS
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.errors import (
    DeadlineError,
    MalformedError,
    NotReadyError,
    PathError,
    RequestError,
    ServerFailedError,
)
from modelyard_scoring.inference import description
from modelyard_scoring.inference.writer import ServedAs
from modelyard_scoring.rpc.call import Call, Kind, status_of
from modelyard_scoring.rpc.messages import SERVICE, Messages
from modelyard_scoring.rpc.outline import SMALL, outline
from modelyard_scoring.rpc.parts import RpcParts
from modelyard_scoring.rpc.tensors import read_rows
from modelyard_scoring.service.folder import ServedModel
from modelyard_scoring.service.scored import scored_models

_log = logging.getLogger(__name__)
Method = Callable[[Any, Call], Awaitable[bytes]]


class InferenceService:
    """Answers the calls of the protocol in the loop of the worker.

    Attributes
    ----------
    stopping
        Whether the server is about to end.
    released
        Whether answers may go out.
    """

    def __init__(self, parts: RpcParts) -> None:
        self.stopping = False
        self.released = asyncio.Event()
        self.released.set()
        self._parts = parts
        self._server = parts.server
        self._messages = Messages()
        self._models = {model.name: model for model in scored_models(parts.service)}
        self._kinds = {name: Kind(name) for name in self._models}
        self._large = asyncio.Lock()

    def handlers(self) -> grpc.GenericRpcHandler:
        """Give what grpc calls; messages are read here, so that wrong bytes are the client's fault."""
        methods = {
            "ServerLive": self._handler("ServerLive", self._live, keyed=False),
            "ServerReady": self._handler("ServerReady", self._ready, keyed=False),
            "ModelReady": self._handler("ModelReady", self._model_ready, keyed=False),
            "ServerMetadata": self._handler("ServerMetadata", self._metadata, keyed=True),
            "ModelMetadata": self._handler("ModelMetadata", self._model_metadata, keyed=True),
            "ModelInfer": self._handler("ModelInfer", self._infer, keyed=True),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _handler(self, name: str, method: Method, *, keyed: bool) -> grpc.RpcMethodHandler:
        read = getattr(self._messages, f"{name}Request").FromString
        target = f"/{SERVICE}/{name}"

        async def handle(body: bytes, context: Any) -> bytes:
            headers = {_bytes(key): _bytes(value) for key, value in context.invocation_metadata() or ()}
            remaining = context.time_remaining()
            timeout = self._server.limits.timeout if remaining is None else min(remaining, self._server.limits.timeout)
            call = Call(target, headers, new_id=self._server.new_id(), timeout=timeout)
            try:
                if keyed and self._parts.keys is not None:
                    self._parts.keys.check(headers.get(b"authorization"), headers.get(b"x-api-key"))
                call.started = perf_counter()
                self._server.counters.began()
                answer = await self._carry_out(method, read, body, call)
            except RequestError as error:
                await self.released.wait()
                await self._refuse(call, context, error)
                return b""  # never: a refusal ends the call
            await self.released.wait()
            self._server.record(call, 200, None)
            context.set_trailing_metadata((("x-request-id", call.request_id),))
            return answer

        return grpc.unary_unary_rpc_method_handler(handle)

    async def _carry_out(self, method: Method, read: Callable[[bytes], Any], body: bytes, call: Call) -> bytes:
        try:
            async with asyncio.timeout(call.timeout):
                return await method(await self._message(read, body), call)
        except DecodeError:
            raise MalformedError("a message of the protocol", "its fields cannot be read") from None
        except TimeoutError:
            raise DeadlineError(call.timeout) from None
        except asyncio.CancelledError:  # the client is gone, or its deadline has passed
            self._server.counters.ended()
            raise
        except RequestError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: a bug must not end the others' calls
            _log.exception("The call %s could not be answered.", call.request_id)
            raise ServerFailedError(type(error).__name__) from None
        finally:
            call.wanted = False

    async def _message(self, read: Callable[[bytes], Any], body: bytes) -> Any:
        """Read a message; one that may take long in turns of the loop, and no two of them in one turn."""
        if len(body) <= SMALL:
            return read(body)
        async with self._large:
            for _ in outline(body):
                await asyncio.sleep(0)
            message = read(body)
            await asyncio.sleep(0)
        return message

    async def _in_turns(self, steps: Generator[None, None, Rows]) -> Rows:
        """Read tensors; those that take more than one step in turns of the loop, and no two of them in one turn."""
        try:
            next(steps)
            async with self._large:
                while True:
                    await asyncio.sleep(0)
                    next(steps)
        except StopIteration as end:
            rows: Rows = end.value
            return rows

    async def _refuse(self, call: Call, context: Any, error: RequestError) -> None:
        self._server.record(call, STATUS[error.code], error.code)
        metadata = (("x-request-id", call.request_id), ("x-error-code", error.code))
        # a status has its text in a header, which servers and clients limit to some thousand bytes
        await context.abort(status_of(error), str(error)[:1000], metadata)

    async def _live(self, _message: Any, _call: Call) -> bytes:
        return self._written("ServerLive", live=True)

    async def _ready(self, _message: Any, _call: Call) -> bytes:
        return self._written("ServerReady", ready=not self.stopping)

    async def _model_ready(self, message: Any, _call: Call) -> bytes:
        model = self._models.get(message.name)
        known = model is not None and message.version in {"", str(model.version)}
        ready = known and not self.stopping and self._parts.lanes.find(message.name) is not None
        return self._written("ModelReady", ready=ready)

    async def _metadata(self, _message: Any, _call: Call) -> bytes:
        described = description.server(self._parts.service)
        return self._written("ServerMetadata", **{**described, "extensions": []})

    async def _model_metadata(self, message: Any, _call: Call) -> bytes:
        model = self._model(message.name, message.version)
        lane = self._parts.lanes.find(model.name)
        contract = None if lane is None else description.contract_of(lane.engine)
        return self._written("ModelMetadata", **description.model(model, contract))

    async def _infer(self, message: Any, call: Call) -> bytes:
        model = self._model(message.model_name, message.model_version)
        call.route = self._kinds[model.name]
        lane = self._parts.lanes.find(model.name)
        if lane is None:
            raise NotReadyError(self._server.counters.phase)
        contract = description.needed_contract(model, lane.engine)
        served = ServedAs(name=model.name, version=str(model.version))
        rows = await self._in_turns(read_rows(message, contract, served, self._messages))
        lane.add(call, rows)
        return await call.answered

    def _model(self, name: str, version: str) -> ServedModel:
        model = self._models.get(name)
        if model is None or version not in {"", str(model.version)}:
            known = [f"{one.name} {one.version}" for one in self._models.values()]
            raise PathError(f"{name} {version}".strip(), known)
        return model

    def _written(self, name: str, /, **fields: Any) -> bytes:
        written: bytes = getattr(self._messages, f"{name}Response")(**fields).SerializeToString()
        return written


def _bytes(part: str | bytes) -> bytes:
    return part if isinstance(part, bytes) else part.encode("utf-8", "replace")
