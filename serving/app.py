"""The HTTP face of the server: paths to answers, on granian's RSGI interface."""

import asyncio
from collections.abc import Awaitable, Iterable
from functools import cached_property
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from matchday import telemetry
from matchday.errors import MatchdayError
from serving import routes
from serving.endpoint import Endpoint
from serving.features.sqlite import SqliteStore
from serving.features.store import OnlineStore, StoreError
from serving.model import load
from serving.protocol import v2
from serving.protocol.errors import Refusal, Unavailable, listed, shown
from serving.reply import CLOSE, Reply, failed, json_length, nothing_at, ok, require, too_large
from serving.settings import ServingSettings


class App:
    """Every model of this process behind the Open Inference Protocol V2. One per worker."""

    def __init__(self, settings: ServingSettings, store: OnlineStore | None = None) -> None:
        self.settings = settings
        self.store = store or SqliteStore(settings.online_store, settings.project)
        self.endpoints: dict[str, Endpoint] = {}
        self.broken: list[str] = []

    @cached_property
    def log(self) -> Any:
        """This server's structured log."""
        return telemetry.logger("serving")

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Load the models, before the first request. A bad bundle keeps the server alive and not ready."""
        telemetry.start("matchday-serving")
        versions: Iterable[str | None] = [*self.settings.versions, *[None] * len(self.settings.bundles)]
        for folder, registered in zip(self.settings.bundles, versions, strict=False):
            try:
                endpoint = Endpoint(load(folder, registered), self.store)
            except MatchdayError as error:
                self.broken.append(str(error))
                self.log.error("model not loaded", reason=str(error))
            else:
                self.endpoints[endpoint.name] = endpoint

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of everything once the last request is answered."""
        self.store.close()
        telemetry.shutdown()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request, whatever it is."""
        try:
            reply = await self._guarded(self._reply(scope, protocol), scope)
        except ProtocolClosed:
            return
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    async def _guarded(self, work: Awaitable[Reply], scope: Scope) -> Reply:
        """The reply, or the failure as a reply."""
        try:
            return await work
        except Refusal as error:
            return failed(error.status, str(error), error.headers)
        except (StoreError, Unavailable) as error:
            return failed(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        except ProtocolClosed:
            raise
        except Exception:
            self.log.exception("request failed", path=scope.path)
            return failed(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed on this request; its log says why")

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
        if rest not in ([], ["ready"], ["infer"]):
            raise nothing_at(scope)
        require(scope, "POST" if rest == ["infer"] else "GET")
        endpoint = self.endpoint(name, registered)
        if rest == ["infer"]:
            return await self._traced(endpoint, scope, protocol)
        if rest == ["ready"]:
            await endpoint.check_ready()
            return ok({"name": endpoint.name, "ready": True})
        return ok(endpoint.metadata())

    def endpoint(self, name: str, registered: str | None = None) -> Endpoint:
        """The endpoint of a model. Raises Refusal (404), Unavailable when some model could not be loaded."""
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            if self.broken:
                raise Unavailable(self.broken[0])
            raise Refusal(f"no model {shown(name)} here: there is {listed(self.endpoints)}", HTTPStatus.NOT_FOUND)
        if registered not in (None, endpoint.model.version):
            raise Refusal(
                f"{name} is served in version {endpoint.model.version}, not {shown(registered)}",
                HTTPStatus.NOT_FOUND,
            )
        return endpoint

    async def _ready(self) -> Reply:
        if self.broken or not self.endpoints:
            raise Unavailable(self.broken[0] if self.broken else "no model is loaded")
        for endpoint in self.endpoints.values():
            await endpoint.check_ready()
        return ok({"ready": True})

    async def _traced(self, endpoint: Endpoint, scope: Scope, protocol: HTTPProtocol) -> Reply:
        """The answer to an inference request, as a span of the client's trace."""
        headers = scope.headers
        caller = telemetry.remote_context(headers.get("traceparent"), headers.get("tracestate"))
        about = {"model": endpoint.name, "version": endpoint.model.version}
        with telemetry.span("POST /v2/models/{model}/infer", parent=caller, kind="server", **about) as span:
            reply = await self._guarded(self._infer(endpoint, scope, protocol), scope)
            span.set_attribute("http.response.status_code", int(reply.status))
        return reply

    async def _infer(self, endpoint: Endpoint, scope: Scope, protocol: HTTPProtocol) -> Reply:
        length = json_length(scope)
        request = v2.parse(await self.body(scope, protocol), length, self.settings.max_batch)
        response = await endpoint.infer(request)
        binary = frozenset(tensor.name for tensor in response.outputs if request.wants_binary(tensor.name))
        body, length = v2.render(response, binary)
        if length is None:
            return Reply(HTTPStatus.OK, body)
        headers = [("content-type", "application/octet-stream"), (v2.JSON_LENGTH_HEADER, str(length))]
        return Reply(HTTPStatus.OK, body, headers)

    async def body(self, scope: Scope, protocol: HTTPProtocol) -> bytes:
        """The body of a request. Raises Refusal when it is too large (413) or too slow (408)."""
        limit = self.settings.max_body_bytes
        length = scope.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise too_large(limit)
        try:
            async with asyncio.timeout(self.settings.body_seconds):
                if length:
                    return await protocol()
                body = bytearray()
                async for chunk in protocol:
                    body += chunk
                    if len(body) > limit:
                        raise too_large(limit)
                return bytes(body)
        except TimeoutError:
            raise Refusal(
                f"the body did not arrive within {self.settings.body_seconds:g} s",
                HTTPStatus.REQUEST_TIMEOUT,
                CLOSE,
            ) from None


def create() -> App:
    """The application of a worker, from the environment."""
    return App(ServingSettings())
