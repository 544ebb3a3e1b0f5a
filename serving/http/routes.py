"""The route table: every path of the HTTP face, who answers it, whether it needs the token, and its span."""

import re
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from serving.call import Call
from serving.endpoint import Endpoint
from serving.http import descriptions, forecasts
from serving.http.reply import Reply
from serving.http.request import Request
from serving.protocol.errors import Refusal, quote


class Route(NamedTuple):
    """A path that describes the server, for HEAD as for GET.

    It is answered without the token where `open_to_all`, as the probes of both protocols are, and then names nothing.
    """

    method: str
    path: str
    answer: Callable[[Request], Awaitable[Reply]]
    open_to_all: bool = False


class ForecastRoute(NamedTuple):
    """A path for forecasts or explanations: its requests pass the request pipeline. span: name of their span."""

    method: str
    path: str
    answer: Callable[[Request, Endpoint, bytes, Call], Awaitable[Reply]]
    span: str
    open_to_all: bool = False


AnyRoute = Route | ForecastRoute

INFER, EXPLAIN = "POST /v2/models/{model}/infer", "POST /v2/models/{model}/explain"
PREDICT_V1, EXPLAIN_V1 = "POST /v1/models/{model}:predict", "POST /v1/models/{model}:explain"

ROUTES: tuple[AnyRoute, ...] = (
    Route("GET", "/", descriptions.root, open_to_all=True),
    Route("GET", "/v2", descriptions.server_metadata),
    Route("GET", "/v2/health/live", descriptions.server_live, open_to_all=True),
    Route("GET", "/v2/health/ready", descriptions.server_ready, open_to_all=True),
    Route("GET", "/v2/models", descriptions.models),
    Route("GET", "/v2/models/{model}", descriptions.model_metadata),
    Route("GET", "/v2/models/{model}/ready", descriptions.model_ready, open_to_all=True),
    ForecastRoute("POST", "/v2/models/{model}/infer", forecasts.infer_v2, INFER),
    ForecastRoute("POST", "/v2/models/{model}/explain", forecasts.explain_v2, EXPLAIN),
    Route("GET", "/v2/models/{model}/versions/{version}", descriptions.model_metadata),
    Route("GET", "/v2/models/{model}/versions/{version}/ready", descriptions.model_ready, open_to_all=True),
    ForecastRoute("POST", "/v2/models/{model}/versions/{version}/infer", forecasts.infer_v2, INFER),
    ForecastRoute("POST", "/v2/models/{model}/versions/{version}/explain", forecasts.explain_v2, EXPLAIN),
    Route("GET", "/v1/models", descriptions.models),
    Route("GET", "/v1/models/{model}", descriptions.model_ready, open_to_all=True),
    ForecastRoute("POST", "/v1/models/{model}:predict", forecasts.predict_v1, PREDICT_V1),
    ForecastRoute("POST", "/v1/models/{model}:explain", forecasts.explain_v1, EXPLAIN_V1),
    Route("GET", "/metrics", descriptions.metrics, open_to_all=True),
    Route("GET", "/openapi.json", descriptions.openapi),
    Route("GET", "/docs", descriptions.docs),
)


class RouteMatch(NamedTuple):
    """The route of a path, and the parameters that are in the path. route: None for a path that is not in the table."""

    route: AnyRoute | None
    model: str | None = None
    version: str | None = None


class RouteTable:
    """Finds the route of a path. Paths of known models are looked up, others are searched for.

    A client cannot make the lookup grow: it holds each path of the table once for each known model.
    """

    def __init__(self, routes: Iterable[AnyRoute] = ROUTES) -> None:
        self._patterns = [(_pattern(route.path), route) for route in routes]
        self._lookup: dict[str, RouteMatch] = {}

    def find(self, path: str, models: Container[str]) -> RouteMatch:
        """The route of a path. models: names of those that are known."""
        found = self._lookup.get(path)
        if found is None:
            found = self._search(path)
            if _is_canonical(found, path) and (found.model is None or found.model in models):
                self._lookup[path] = found
        return found

    def _search(self, path: str) -> RouteMatch:
        for pattern, route in self._patterns:
            if parts := pattern.fullmatch(path):
                named: Mapping[str, str] = parts.groupdict()
                return RouteMatch(route, named.get("model"), named.get("version"))
        return RouteMatch(None)


def check_method(match: RouteMatch, path: str, method: str) -> AnyRoute:
    """The route. Raises Refusal for a path that is not in the table (404), or another method than the route's (405)."""
    route = match.route
    if route is None:
        raise Refusal(
            f"nothing at {quote(path)}: see /docs, /v2, /v2/health/ready, /v2/models and /v2/models/MODEL/infer",
            HTTPStatus.NOT_FOUND,
        )
    if method != route.method and (method, route.method) != ("HEAD", "GET"):
        raise Refusal(
            f"use {route.method} for {quote(path)}, not {quote(method)}",
            HTTPStatus.METHOD_NOT_ALLOWED,
            (("allow", "GET, HEAD" if route.method == "GET" else route.method),),
        )
    return route


def _pattern(path: str) -> re.Pattern[str]:
    """Paths may end in slashes."""
    pattern = re.escape(path.rstrip("/")).replace(r"\{model\}", "(?P<model>[^/:]*)")
    return re.compile(pattern.replace(r"\{version\}", "(?P<version>[^/]*)") + "/*")


def _is_canonical(match: RouteMatch, path: str) -> bool:
    """Whether the path is the table's own way to write it, without a version that a client chose."""
    route = match.route
    return route is not None and match.version is None and path == route.path.replace("{model}", match.model or "")
