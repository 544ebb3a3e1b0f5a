"""Paths beyond the V2 protocol's own: V1, explanations, and what describes the server."""

from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

from serving.call import ENCODE, Call
from serving.endpoint import Endpoint
from serving.explain import told
from serving.protocol import v1, v2
from serving.protocol.v2 import InferenceRequest
from serving.reply import Reply, nothing_at, ok, require, require_plain

if TYPE_CHECKING:
    from serving.app import App

MOST_EXPLAINED = 8
"""Rows explained in one request; beyond it 413."""

PREDICT, EXPLAIN_V1 = "POST /v1/models/{model}:predict", "POST /v1/models/{model}:explain"
EXPLAIN_V2 = "POST /v2/models/{model}/explain"
"""Names of the spans of these requests."""


async def answer(app: "App", scope: Scope, protocol: HTTPProtocol) -> Reply:
    """The reply to a path that V2 does not know. Raises Refusal, StoreError or Unavailable."""
    match scope.path.rstrip("/").split("/")[1:]:
        case []:
            require(scope, "GET")
            return ok({"status": "alive", "documentation": "/docs"})
        case ["openapi.json"]:
            require(scope, "GET")
            return ok(_document(app))
        case ["docs"]:
            require(scope, "GET")
            return _page(app, scope)
        case ["v1", "models"]:
            require(scope, "GET")
            return ok({"models": sorted(app.endpoints)})
        case ["v1", "models", what]:
            return await _v1(app, scope, protocol, *what.partition(":")[::2])
    raise nothing_at(scope)


async def _v1(app: "App", scope: Scope, protocol: HTTPProtocol, name: str, verb: str) -> Reply:
    if verb not in ("", "predict", "explain"):
        raise nothing_at(scope)
    require(scope, "POST" if verb else "GET")
    endpoint = app.endpoint(name)
    if verb == "predict":
        return await app.forecast(endpoint, scope, protocol, partial(_predict_v1, app.settings.max_batch), PREDICT)
    if verb == "explain":
        return await app.forecast(endpoint, scope, protocol, _explain_v1, EXPLAIN_V1)
    app.require_staying()
    await endpoint.check_ready()
    return ok({"name": endpoint.name, "ready": True})


async def explain_v2(endpoint: Endpoint, scope: Scope, body: bytes, call: Call) -> Reply:
    """Why the model answers a V2 request as it does. Raises as `Endpoint.infer` and `Explainer.explain` do."""
    require_plain(scope)
    return await _explained(endpoint, v2.parse(body, None, MOST_EXPLAINED), call)


async def _predict_v1(max_batch: int, endpoint: Endpoint, scope: Scope, body: bytes, call: Call) -> Reply:
    require_plain(scope)
    response = await endpoint.infer(v1.parse_predict(body, max_batch), call)
    begun = perf_counter()
    content = v1.render(response, endpoint.signature.classes)
    call.mark(ENCODE, begun)
    return Reply(HTTPStatus.OK, content)


async def _explain_v1(endpoint: Endpoint, scope: Scope, body: bytes, call: Call) -> Reply:
    require_plain(scope)
    return await _explained(endpoint, v1.parse_predict(body, MOST_EXPLAINED), call)


async def _explained(endpoint: Endpoint, request: InferenceRequest, call: Call) -> Reply:
    endpoint.check_outputs(request)
    endpoint.explainer.require_able()
    inputs = await endpoint.inputs(request, call)
    rows = inputs.vectors.values
    explanations = [told(endpoint.explainer, row, await endpoint.explainer.explain(row)) for row in rows]
    return ok(
        {
            "model_name": endpoint.name,
            "model_version": endpoint.model.version,
            "id": request.id or call.id,
            "parameters": endpoint.parameters(inputs),
            "explanations": explanations,
        }
    )


def _document(app: "App") -> dict[str, Any]:
    from serving.openapi import document

    return document(app.endpoints.values())


def _page(app: "App", scope: Scope) -> Reply:
    from serving.docs import HEADERS, page

    address = f"{scope.scheme}://{scope.headers.get('host') or scope.server}"
    text = page(app.endpoints.values(), _document(app)["paths"], address)
    return Reply(HTTPStatus.OK, text.encode(), HEADERS)
