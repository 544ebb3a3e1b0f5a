"""HTTP face of a worker on granian's RSGI interface: the way of every request, from its path to its reply."""

from granian.rsgi import HTTPProtocol, Scope

from matchday.telemetry import Caller
from serving.http.reply import Reply, refuse
from serving.http.request import Request
from serving.http.routes import ForecastRoute, RouteMatch, RouteTable, check_method
from serving.protocol.errors import Refusal, quote
from serving.worker import Worker


class HttpFace:
    """Routes requests, checks the token, and sends replies; the worker does the rest."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._routes = RouteTable()

    async def respond(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request, whatever it is."""
        request = Request(self.worker, scope, protocol)
        try:
            reply = await self._answer(request)
        except Exception as error:  # noqa: BLE001
            refusal = self._refusal(request, error)
            reply = refuse(refusal if request.trusted else refusal.without_names())
        if request.call is not None and request.call.traced:
            reply = reply.traced(request.call)
        if self.worker.draining:
            reply = reply.closing()
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    async def _answer(self, request: Request) -> Reply:
        """Route, token, answer. Raises Refusal, or whatever went wrong."""
        scope = request.scope
        request.check_host()
        match = self._routes.find(scope.path, self.worker.endpoints)
        self._check_token(request, match)
        route = check_method(match, scope.path, scope.method)
        request.model, request.version = match.model or "", match.version
        if isinstance(route, ForecastRoute):
            return await self._forecast(request, route)
        return await route.answer(request)

    async def _forecast(self, request: Request, route: ForecastRoute) -> Reply:
        """Model, request pipeline, body, answer. Raises Refusal."""
        endpoint = self.worker.endpoint(request.model, request.version)
        headers, pipeline = request.scope.headers, self.worker.pipeline
        call = request.call = pipeline.begin(headers)
        with pipeline.admit(call, endpoint, route.span, headers) as in_flight:
            body = await request.read_body(in_flight)
            return await route.answer(request, endpoint, body, call)

    def _check_token(self, request: Request, match: RouteMatch) -> None:
        """Raises Refusal (401); a request without the token that is open to all is told no names."""
        try:
            self.worker.token.check(request.scope.headers.get("authorization"))
        except Refusal:
            if match.route is None or not match.route.open_to_all:
                raise
            request.trusted = False

    def _refusal(self, request: Request, error: Exception) -> Refusal:
        traceparent = request.scope.headers.get("traceparent")
        caller = None if traceparent is None else Caller.read(traceparent)
        return self.worker.pipeline.refuse(error, caller, quote(request.scope.path))
