"""The HTTP face of the server: paths to answers, on granian's RSGI interface."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from matchday import telemetry
from matchday.telemetry import Caller
from serving import routes
from serving.call import ENCODE, Call
from serving.endpoint import Endpoint
from serving.features import open_store
from serving.features.cache import CachedStore
from serving.features.store import OnlineStore, StoreError
from serving.gate import SERVICE, Gate
from serving.limits import Door, Flight
from serving.log import open_log
from serving.metrics import Metrics
from serving.model import Model, load
from serving.protocol import v2
from serving.protocol.errors import Refusal, Unavailable, listed, shown
from serving.reply import Reply, failed, json_length, nothing_at, ok, require, too_large, too_slow
from serving.settings import ServingSettings
from serving.versions import Versions, places

Answer = Callable[[Endpoint, Scope, bytes, Call], Awaitable[Reply]]
"""From the body of a request to the answer."""

DRAINING = "draining"
"""File in the run folder that says that the server is about to stop."""

INFER = "POST /v2/models/{model}/infer"
"""Name of the span of a request."""

GARBAGE = (10_000, 50, 100)
"""Thresholds of the garbage collector: a request makes a few dozen objects and hardly ever a cycle."""

OPEN = ("/live", "/ready", "/metrics")
"""How paths end that are asked without the token: by probes, and by Prometheus."""


class App:
    """Every model of this process behind the Open Inference Protocol V2. One per worker."""

    def __init__(self, settings: ServingSettings, store: OnlineStore | None = None) -> None:
        self.settings = settings
        self.store = store or CachedStore(
            open_store(settings.online_store, settings.project),
            settings.features_fresh_seconds,
            settings.features_stale_seconds,
        )
        self.endpoints: dict[str, Endpoint] = {}
        self.versions = Versions(
            self.endpoints,
            places(settings),
            lambda folder, registered: self.endpoint_of(load(folder, registered)),
            settings.refresh_seconds,
        )
        self.gate = Gate(settings)
        self.door = Door(settings)
        self._own_folder = None if settings.run_folder else TemporaryDirectory(prefix="matchday-serving-")
        self.run_folder = settings.run_folder or Path(self._own_folder.name)  # type: ignore[union-attr]
        self.metrics = Metrics(self.run_folder, settings.variant)
        self._log = open_log(settings, self.metrics.log_dropped)
        self._hot: dict[str, str] = {}
        self._grpc: Any = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Load the models, before the first request. A bad bundle keeps the server alive and not ready."""
        telemetry.start(SERVICE)
        self.versions.load()
        self.versions.start(loop)
        if self.settings.grpc_port:
            from serving.grpc.server import start

            self._grpc = loop.run_until_complete(start(self, self.settings.host, self.settings.grpc_port))
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of everything once the last request is answered."""
        if self._grpc is not None:
            loop.run_until_complete(self._grpc.stop(self.settings.stop_seconds))
        self.versions.stop()
        self._log.close()
        self.gate.relay.close()
        self.store.close()
        telemetry.shutdown()
        self.metrics.close()

    def endpoint_of(self, model: Model) -> Endpoint:
        """A model with this worker's store, numbers and prediction log."""
        series = self.metrics.series(model.signature.model, model.version)
        return Endpoint(model, self.store, series, self._log, self.settings.variant, self.settings.features_ttl_seconds)

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request, whatever it is."""
        path = scope.path
        try:
            if self.door.locked and not path.endswith(OPEN):
                self.door.check(scope.headers.get("authorization"))
            name = self._hot.get(path)
            if name is not None and scope.method == "POST":
                reply = await self.forecast(self.endpoints[name], scope, protocol, self._infer, INFER)
            else:
                reply = await self._guarded(self._reply(scope, protocol), scope)
        except Refusal as error:
            traceparent = scope.headers.get("traceparent")
            caller = None if traceparent is None else Caller.read(traceparent)
            self.gate.refusals.tell(error, caller, path=shown(path))
            reply = _refused(error)
        except ProtocolClosed:
            return
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    async def _guarded(self, work: Awaitable[Reply], scope: Scope) -> Reply:
        """The reply, or the failure as a reply."""
        try:
            return await work
        except (Refusal, ProtocolClosed):
            raise
        except (StoreError, Unavailable) as error:
            raise Refusal(str(error), HTTPStatus.SERVICE_UNAVAILABLE) from None
        except Exception:
            self.gate.log.exception("request failed", path=scope.path)
            message = "the server failed on this request; its log says why"
            raise Refusal(message, HTTPStatus.INTERNAL_SERVER_ERROR, told=True) from None

    async def forecast(
        self, endpoint: Endpoint, scope: Scope, protocol: HTTPProtocol, answer: Answer, route: str
    ) -> Reply:
        """The reply to a request for a forecast or an explanation, through the gate."""
        headers = scope.headers
        call = self.gate.begin(headers)

        async def work(flight: Flight) -> Reply:
            return await answer(endpoint, scope, await self._body(scope, protocol, flight), call)

        outcome = await self.gate.answer(call, endpoint, route, headers, work)
        reply = _refused(outcome) if isinstance(outcome, Refusal) else outcome
        if call.sampled or call.caller is not None:
            return reply._replace(headers=[*reply.headers, ("traceparent", call.traceparent())])
        return reply

    async def _reply(self, scope: Scope, protocol: HTTPProtocol) -> Reply:
        match scope.path.rstrip("/").split("/")[1:]:
            case ["v2"]:
                require(scope, "GET")
                return ok({"name": "matchday", "version": version("matchday"), "extensions": v2.EXTENSIONS})
            case ["v2", "health", "live"]:
                require(scope, "GET")
                return ok({"live": True})
            case ["v2", "health", "ready"]:
                require(scope, "GET")
                return await self._ready()
            case ["metrics"]:
                require(scope, "GET")
                return self._metrics(scope)
            case ["v2", "models"]:
                require(scope, "GET")
                return ok({"models": sorted(self.endpoints)})
            case ["v2", "models", name, "versions", registered, *rest]:
                return await self._model(name, registered, rest, scope, protocol)
            case ["v2", "models", name, *rest]:
                return await self._model(name, None, rest, scope, protocol)
        return await routes.answer(self, scope, protocol)

    async def _model(
        self, name: str, registered: str | None, rest: list[str], scope: Scope, protocol: HTTPProtocol
    ) -> Reply:
        if rest not in ([], ["ready"], ["infer"], ["explain"]):
            raise nothing_at(scope)
        require(scope, "POST" if rest in (["infer"], ["explain"]) else "GET")
        endpoint = self.endpoint(name, registered)
        if rest == ["infer"]:
            if registered is None:
                self._hot[scope.path] = name
            return await self.forecast(endpoint, scope, protocol, self._infer, INFER)
        if rest == ["explain"]:
            return await self.forecast(endpoint, scope, protocol, routes.explain_v2, routes.EXPLAIN_V2)
        if rest == ["ready"]:
            self.require_staying()
            await endpoint.check_ready()
            return ok({"name": endpoint.name, "ready": True})
        return ok(endpoint.metadata())

    def endpoint(self, name: str, registered: str | None = None) -> Endpoint:
        """The endpoint of a model. Raises Refusal (404), Unavailable when some model could not be loaded."""
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            if absent := self.versions.absent:
                raise Unavailable(absent[0])
            raise Refusal(f"no model {shown(name)} here: there is {listed(self.endpoints)}", HTTPStatus.NOT_FOUND)
        if registered not in (None, endpoint.model.version):
            raise Refusal(
                f"{name} is served in version {endpoint.model.version}, not {shown(registered)}",
                HTTPStatus.NOT_FOUND,
            )
        return endpoint

    async def check_ready(self) -> None:
        """Raises Unavailable or StoreError, saying why, unless every model can answer."""
        self.require_staying()
        if (absent := self.versions.absent) or not self.endpoints:
            raise Unavailable(absent[0] if absent else "no model is loaded")
        for endpoint in self.endpoints.values():
            await endpoint.check_ready()

    async def _ready(self) -> Reply:
        await self.check_ready()
        held_back = self.versions.held_back
        return ok({"ready": True, "held_back": held_back} if held_back else {"ready": True})

    def require_staying(self) -> None:
        """Raises Unavailable once the server is about to stop."""
        if (self.run_folder / DRAINING).exists():
            raise Unavailable("the server is about to stop")

    def _metrics(self, scope: Scope) -> Reply:
        from serving.exposition import render

        body, kind = render(self.metrics, scope.headers.get("accept", ""))
        return Reply(HTTPStatus.OK, body, [("content-type", kind)])

    async def _infer(self, endpoint: Endpoint, scope: Scope, body: bytes, call: Call) -> Reply:
        request = v2.parse(body, json_length(scope), self.settings.max_batch)
        response = await endpoint.infer(request, call)
        begun = perf_counter()
        binary = frozenset(tensor.name for tensor in response.outputs if request.wants_binary(tensor.name))
        content, length = v2.render(response, binary)
        call.mark(ENCODE, begun)
        if length is None:
            return Reply(HTTPStatus.OK, content)
        headers = [("content-type", "application/octet-stream"), (v2.JSON_LENGTH_HEADER, str(length))]
        return Reply(HTTPStatus.OK, content, headers)

    async def _body(self, scope: Scope, protocol: HTTPProtocol, flight: Flight) -> bytes:
        """The body of a request. Raises Refusal when it is too large (413) or too slow (408)."""
        limit = self.settings.max_body_bytes
        length = scope.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise too_large(limit)
        until = flight.until
        flight.until = perf_counter() + self.settings.body_seconds
        try:
            body = await (protocol() if length else _chunks(protocol, limit))
        except asyncio.CancelledError:
            if not flight.late:
                raise
            flight.task.uncancel()
            raise too_slow(self.settings.body_seconds) from None
        flight.until = until
        return body


async def _chunks(protocol: HTTPProtocol, limit: int) -> bytes:
    body = bytearray()
    async for chunk in protocol:
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def _refused(error: Refusal) -> Reply:
    return failed(error.status, str(error), error.headers)


def create() -> App:
    """The application of a worker, from the environment."""
    return App(ServingSettings())
