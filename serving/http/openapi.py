"""OpenAPI 3.1 document of the server and its loaded models."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from serving.endpoint import Endpoint
from serving.protocol.schemas import SCHEMAS, ref

EXAMPLES: Mapping[str, Any] = {"home": "ARS", "away": "LIV", "opponent": "LIV", "team": "ARS", "player": 223340}
"""An example for each entity input; an input that is not here has its name as example."""

REFUSALS = {
    "400": "The request cannot be read, or asks for something unknown; the message says what to change, and `rows`"
    " which rows to leave out, where the others could be answered.",
    "401": "The server asks for its token.",
    "404": "No such model or version, or nothing to explain it with.",
    "408": "The body did not arrive in time.",
    "409": "The features are newer than the kick-off: that would be a forecast from later knowledge.",
    "413": "Too many rows at once, or too large a body.",
    "415": "The body is of another content type, or compressed by another encoding than gzip and deflate.",
    "429": "Too many requests at once: ask again as Retry-After says.",
    "503": "The model or its features are out of reach.",
    "504": "The answer took too long.",
}
FOUND = ("401", "404", "429", "503", "504")


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, Any] = dict(_server_paths())
    for endpoint in endpoints:
        paths |= _model_paths(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Matchday",
            "version": version("matchday"),
            "summary": "Football forecasts over the Open Inference Protocol (V2) and the V1 protocol",
            "description": "The page /docs says the same for people.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {status: _response(text, "Error") for status, text in REFUSALS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def entity_example(endpoint: Endpoint) -> dict[str, Any]:
    """Entities and numbers of one row of a request."""
    inputs, numbers = endpoint.signature.inputs, endpoint.signature.numbers
    entities = {each.name: EXAMPLES.get(each.name, 1 if each.datatype == "INT64" else each.name) for each in inputs}
    return entities | {each.name: each.least for each in numbers}


def v2_example(endpoint: Endpoint) -> dict[str, Any]:
    """A V2 request for one row in entity mode."""
    values = entity_example(endpoint)
    inputs = [entry for entry in endpoint.metadata()["inputs"] if entry["name"] in values]
    return {
        "inputs": [
            {"name": each["name"], "shape": [1], "datatype": each["datatype"], "data": [values[each["name"]]]}
            for each in inputs
        ]
    }


def v1_example(endpoint: Endpoint) -> dict[str, Any]:
    """A V1 request for one row in entity mode."""
    return {"instances": [entity_example(endpoint)]}


def _server_paths() -> Iterable[tuple[str, Any]]:
    yield "/v2", _get("What this server is", "Server")
    yield "/v2/health/live", _get("Whether the process runs", "Live")
    yield "/v2/health/ready", _get("Whether every model can answer", "Ready", ("503",))
    yield "/v2/models", _get("The models", "Models", ("401", "429"))
    yield "/v1/models", _get("The models", "Models", ("401", "429"))


def _model_paths(endpoint: Endpoint) -> dict[str, Any]:
    name = endpoint.name
    tensors = _tensor_request(endpoint)
    v2, v1 = v2_example(endpoint), v1_example(endpoint)
    paths = {
        f"/v2/models/{name}": _get("What the model takes and gives", "ModelMetadata", FOUND),
        f"/v2/models/{name}/ready": _get("Whether the model can answer", "ModelReady", FOUND),
        f"/v2/models/{name}/infer": _post("Forecast", tensors, v2, "InferenceResponse"),
        f"/v2/models/{name}/versions/{{version}}": _get("What this version takes and gives", "ModelMetadata", FOUND),
        f"/v2/models/{name}/versions/{{version}}/ready": _get("Whether this version can answer", "ModelReady", FOUND),
        f"/v2/models/{name}/versions/{{version}}/infer": _post(
            "Forecast by this version", tensors, v2, "InferenceResponse"
        ),
        f"/v1/models/{name}": _get("Whether the model can answer", "ModelReady", FOUND),
        f"/v1/models/{name}:predict": _post("Forecast", ref("Instances"), v1, "Predictions"),
    }
    if endpoint.explainer.able:
        paths |= {
            f"/v2/models/{name}/explain": _post("What each feature adds to a forecast", tensors, v2, "Explanations"),
            f"/v2/models/{name}/versions/{{version}}/explain": _post(
                "What each feature adds to a forecast by this version", tensors, v2, "Explanations"
            ),
            f"/v1/models/{name}:explain": _post(
                "What each feature adds to a forecast", ref("Instances"), v1, "Explanations"
            ),
        }
    for path, item in paths.items():
        if "{version}" in path:
            item["parameters"] = [_version(endpoint)]
        for operation in ("get", "post"):
            if operation in item:
                item[operation]["tags"] = [name]
    return paths


def _version(endpoint: Endpoint) -> dict[str, Any]:
    schema = {"type": "string", "examples": [endpoint.model.version]}
    return {"name": "version", "in": "path", "required": True, "schema": schema}


def _tensor_request(endpoint: Endpoint) -> dict[str, Any]:
    """The schema of a V2 request to this model."""
    metadata = endpoint.metadata()
    inputs = {"properties": {"name": {"enum": [entry["name"] for entry in metadata["inputs"]]}}}
    outputs = {"properties": {"name": {"enum": [entry["name"] for entry in metadata["outputs"]]}}}
    narrowed = {
        "inputs": {"type": "array", "minItems": 1, "items": {"allOf": [ref("Tensor"), inputs]}},
        "outputs": {"type": "array", "items": {"allOf": [ref("RequestedOutput"), outputs]}},
    }
    return {"allOf": [ref("InferenceRequest"), {"properties": narrowed}]}


def _get(summary: str, answer: str, refusals: Iterable[str] = ()) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": _responses(answer, refusals)}}


def _post(summary: str, body: Mapping[str, Any], example: Mapping[str, Any], answer: str) -> dict[str, Any]:
    content = {"application/json": {"schema": body, "example": example}}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": content},
            "responses": _responses(answer, REFUSALS),
        }
    }


def _responses(answer: str, refusals: Iterable[str]) -> dict[str, Any]:
    refused = {status: {"$ref": f"#/components/responses/{status}"} for status in refusals}
    answered = _response("The answer.", answer)
    if answer == "InferenceResponse":
        answered["description"] = "The answer; raw tensors follow its JSON when the request asks for binary outputs."
        answered["content"]["application/octet-stream"] = {}
    return {"200": answered, **refused}


def _response(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(schema)}}}
