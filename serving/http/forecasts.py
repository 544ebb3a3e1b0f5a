"""Forecasts and explanations over HTTP: from the body of a request to the reply, in the V2 and the V1 protocol."""

from http import HTTPStatus
from time import perf_counter

from serving.call import ENCODE, Call
from serving.endpoint import Endpoint
from serving.explain import describe_explanation
from serving.http.reply import Reply, answer_json
from serving.http.request import OCTETS, Request
from serving.protocol import v1, v2
from serving.protocol.errors import NotFinite
from serving.protocol.v2 import InferenceRequest

MAX_EXPLAINED = 8
"""Most rows that are explained in one request; beyond it 413."""


async def infer_v2(request: Request, endpoint: Endpoint, body: bytes, call: Call) -> Reply:
    """A forecast by V2, JSON or binary tensors. Raises Refusal, StoreError or Unavailable."""
    asked = v2.parse(body, request.json_length(), request.worker.settings.max_batch, endpoint.check_input)
    response = await endpoint.infer(asked, call)
    begun = perf_counter()
    binary = frozenset(tensor.name for tensor in response.outputs if asked.wants_binary(tensor.name))
    content, length = v2.render(response, binary)
    call.mark(ENCODE, begun)
    if length is None:
        return Reply(HTTPStatus.OK, content)
    return Reply(HTTPStatus.OK, content, [("content-type", OCTETS), (v2.JSON_LENGTH_HEADER, str(length))])


async def predict_v1(request: Request, endpoint: Endpoint, body: bytes, call: Call) -> Reply:
    """A forecast by V1. Raises Refusal, StoreError or Unavailable."""
    request.require_plain_json()
    asked = v1.parse_predict(body, request.worker.settings.max_batch, endpoint.check_input)
    response = await endpoint.infer(asked, call)
    begun = perf_counter()
    content = v1.render(response, endpoint.signature.classes)
    call.mark(ENCODE, begun)
    return Reply(HTTPStatus.OK, content)


async def explain_v2(request: Request, endpoint: Endpoint, body: bytes, call: Call) -> Reply:
    """The contributions of the features to a forecast, asked by V2. Raises as `Endpoint.infer` and `explain` do."""
    request.require_plain_json()
    return await _explain(endpoint, v2.parse(body, None, MAX_EXPLAINED, endpoint.check_input), call)


async def explain_v1(request: Request, endpoint: Endpoint, body: bytes, call: Call) -> Reply:
    """The same, asked by V1."""
    request.require_plain_json()
    return await _explain(endpoint, v1.parse_predict(body, MAX_EXPLAINED, endpoint.check_input), call)


async def _explain(endpoint: Endpoint, asked: InferenceRequest, call: Call) -> Reply:
    endpoint.check_outputs(asked)
    endpoint.explainer.require_able()
    inputs = await endpoint.inputs(asked, call)
    explanations, refused = [], []
    for index, row in enumerate(inputs.vectors.values):
        try:
            explained = await endpoint.explainer.explain(row)
            explanations.append(describe_explanation(endpoint.explainer, row, explained))
        except NotFinite:
            refused.append(index)
    if refused:
        raise endpoint.not_finite(inputs, refused)
    return answer_json(
        {
            "model_name": endpoint.name,
            "model_version": endpoint.model.version,
            "id": call.id if asked.id is None else asked.id,
            "parameters": endpoint.parameters(inputs),
            "explanations": explanations,
        }
    )
