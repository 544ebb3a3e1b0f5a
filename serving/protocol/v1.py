"""Codec of the V1 protocol (TensorFlow Serving's) over REST: instances to requests, and responses to predictions.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
An instance is an object of entities and numbers, `{"home": "ARS", "away": "LIV", "kickoff": "2026-05-24T15:00:00Z"}`,
or a list of the model's features.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from serving.protocol.errors import Refusal, join_names, quote
from serving.protocol.tensor import Tensor, decode
from serving.protocol.v2 import InferenceRequest, InferenceResponse, InputCheck, loads, too_many

EXAMPLE = '{"instances": [{"home": "ARS", "away": "LIV"}]}'
FEATURES = "features"
DATATYPES: Mapping[frozenset[type], str] = {
    frozenset({int}): "INT64",
    frozenset({bool}): "BOOL",
    frozenset({float}): "FP64",
    frozenset({int, float}): "FP64",
}
"""Types of the values that all instances have of a name -> datatype of the tensor; BYTES for any other."""


def parse_predict(body: bytes, max_batch: int | None = None, check: InputCheck | None = None) -> InferenceRequest:
    """Read a request. check: as `v2.parse` has it.

    Raises Refusal: 413 for more than `max_batch` instances, else 400, saying what is wrong.
    """
    instances = loads(body, EXAMPLE, max_batch).get("instances")
    if not isinstance(instances, list) or not instances:
        raise Refusal(f"the request has no instances, a list of matches: send {EXAMPLE}")
    if max_batch is not None and len(instances) > max_batch:
        raise too_many("the request", len(instances), max_batch)
    kinds = set(map(type, instances))
    if kinds == {dict}:
        return InferenceRequest(_columns(instances, check))
    if kinds == {list}:
        return InferenceRequest({FEATURES: _features(instances, check)})
    raise Refusal(f"instances must be all objects such as {EXAMPLE[15:-2]}, or all lists of features")


def render(response: InferenceResponse, columns: Sequence[str] = ()) -> bytes:
    """The body of a response. columns: names of a prediction's numbers in order, none for a single number."""
    [output] = response.outputs
    message = {
        "model_name": response.model_name,
        "model_version": response.model_version,
        "id": response.id,
        "parameters": dict(response.parameters),
        "columns": columns,
        "predictions": output.values,
    }
    return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)


def _columns(instances: Sequence[dict[str, Any]], check: InputCheck | None) -> dict[str, Tensor]:
    """One tensor per key of the instances."""
    names = instances[0].keys()
    if not names:
        raise Refusal(f"an instance is empty: send {EXAMPLE}")
    if check is not None:
        for name in names:
            check(name, "BYTES", (len(instances),))
    for position, instance in enumerate(instances, 1):
        if instance.keys() != names:
            raise Refusal(
                f"instance {position} has {_quoted(instance)}, the first has {_quoted(names)}: give the same to all"
            )
    return {name: _column(name, [instance[name] for instance in instances]) for name in names}


def _column(name: str, values: list[Any]) -> Tensor:
    datatype = DATATYPES.get(frozenset(map(type, values)), "BYTES")
    return decode(name, datatype, (len(values),), values)


def _features(instances: list[list[Any]], check: InputCheck | None) -> Tensor:
    width = len(instances[0])
    if not width:
        raise Refusal("an instance is empty: give a number for each feature of the model")
    if check is not None:
        check(FEATURES, "FP32", (len(instances), width))
    return decode(FEATURES, "FP32", (len(instances), width), instances)


def _quoted(names: Any) -> str:
    """A few of the names that a client gave, for a message."""
    return join_names([quote(name) for name in list(names)[:4]])
