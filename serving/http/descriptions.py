"""What the server says of itself over HTTP: health, readiness, metadata, metrics, documentation."""

from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from serving.http.reply import Reply, answer_json
from serving.http.request import Request
from serving.protocol import v2


async def root(request: Request) -> Reply:
    """Where the documentation is."""
    return answer_json({"status": "alive", "documentation": "/docs"})


async def server_metadata(request: Request) -> Reply:
    """Name, version and protocol extensions of the server."""
    return answer_json({"name": "matchday", "version": version("matchday"), "extensions": v2.EXTENSIONS})


async def server_live(request: Request) -> Reply:
    """The process runs, or there would be no answer."""
    return answer_json({"live": True})


async def server_ready(request: Request) -> Reply:
    """Whether every model can answer, and which serve an older version than they should. Raises Unavailable."""
    await request.worker.check_ready()
    held_back = request.worker.versions.held_back if request.trusted else None
    return answer_json({"ready": True, "held_back": held_back} if held_back else {"ready": True})


async def models(request: Request) -> Reply:
    """Names of the models."""
    return answer_json({"models": sorted(request.worker.endpoints)})


async def model_metadata(request: Request) -> Reply:
    """Inputs and outputs of a model. Raises Refusal (404)."""
    return answer_json(request.worker.endpoint(request.model, request.version).metadata())


async def model_ready(request: Request) -> Reply:
    """Whether a model can answer. Raises Refusal (404), Unavailable or StoreError."""
    endpoint = request.worker.endpoint(request.model, request.version)
    await request.worker.check_model_ready(endpoint)
    return answer_json({"name": endpoint.name, "ready": True})


async def metrics(request: Request) -> Reply:
    """Metrics of all workers, for Prometheus."""
    from serving.exposition import render

    body, kind = render(request.worker.metrics, request.scope.headers.get("accept", ""))
    return Reply(HTTPStatus.OK, body, [("content-type", kind)])


async def openapi(request: Request) -> Reply:
    """The OpenAPI document of the loaded models."""
    return answer_json(_document(request))


async def docs(request: Request) -> Reply:
    """The same for people, as an HTML page."""
    from serving.http.docs import HEADERS, page

    scope = request.scope
    address = f"{scope.scheme}://{scope.headers.get('host') or scope.server}"
    text = page(request.worker.endpoints.values(), _document(request)["paths"], address)
    return Reply(HTTPStatus.OK, text.encode(), HEADERS)


def _document(request: Request) -> dict[str, Any]:
    from serving.http.openapi import document

    return document(request.worker.endpoints.values())
