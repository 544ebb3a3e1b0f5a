"""Codec of gRPC: its messages to the requests that all protocols share, and responses to its messages."""

import math
from collections.abc import Mapping
from typing import Any

from serving.grpc import open_inference_pb2 as messages
from serving.protocol.errors import Refusal, join_names, quote
from serving.protocol.tensor import DATATYPES, Tensor, decode, decode_bytes, encode_bytes
from serving.protocol.v2 import (
    MOST_DIMENSIONS,
    InferenceRequest,
    InferenceResponse,
    InputCheck,
    Parameter,
    check_id,
    check_shape,
)

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Datatype -> field of `InferTensorContents` for its items. FP16 has none: it goes as raw contents."""


def read(
    message: messages.ModelInferRequest, max_batch: int | None = None, check: InputCheck | None = None
) -> InferenceRequest:
    """The request of a message. check: as `v2.parse` has it.

    Raises Refusal: 413 for more than `max_batch` rows, else 400.
    """
    if not message.inputs:
        raise Refusal("the request has no inputs")
    raws = message.raw_input_contents
    if raws and len(raws) != len(message.inputs):
        raise Refusal(
            f"raw_input_contents has {len(raws)} items for {len(message.inputs)} inputs: give the bytes of all, or none"
        )
    inputs: dict[str, Tensor] = {}
    for position, entry in enumerate(message.inputs):
        tensor = _tensor(entry, raws[position] if raws else None, max_batch, check)
        if tensor.name in inputs:
            raise Refusal(f"input {quote(tensor.name)} is given twice")
        inputs[tensor.name] = tensor
    return InferenceRequest(inputs, check_id(message.id or None), _outputs(message), _parameters(message.parameters))


def write(response: InferenceResponse, raw: bool = False) -> messages.ModelInferResponse:
    """The message of a response. raw: outputs as raw contents instead of typed ones."""
    message = messages.ModelInferResponse(
        model_name=response.model_name,
        model_version=response.model_version,
        id=response.id or "",
        parameters={name: _parameter(value) for name, value in response.parameters.items()},
    )
    for tensor in response.outputs:
        entry = message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if raw:
            message.raw_output_contents.append(encode_bytes(tensor))
        else:
            getattr(entry.contents, CONTENTS[tensor.datatype]).extend(_encode_items(tensor))
    return message


def describe(metadata: Mapping[str, Any]) -> messages.ModelMetadataResponse:
    """The message of a model's metadata, as `Endpoint.metadata` gives it."""
    message = messages.ModelMetadataResponse(
        name=metadata["name"], versions=metadata["versions"], platform=metadata["platform"]
    )
    for field in ("inputs", "outputs"):
        for entry in metadata[field]:
            getattr(message, field).add(name=entry["name"], datatype=entry["datatype"], shape=entry["shape"])
    return message


def _tensor(entry: Any, raw: bytes | None, max_batch: int | None, check: InputCheck | None) -> Tensor:
    name, datatype = entry.name, entry.datatype
    if not name:
        raise Refusal("an input has no name")
    if datatype not in DATATYPES:
        raise Refusal(f"input {quote(name)} has datatype {quote(datatype)}: use one of {join_names(DATATYPES)}")
    shape = check_shape(name, list(entry.shape[: MOST_DIMENSIONS + 1]), max_batch)
    if check is not None:
        check(name, datatype, shape)
    given = [field.name for field, _ in entry.contents.ListFields()]
    if raw is not None:
        if given:
            raise Refusal(f"input {quote(name)} has both contents and raw_input_contents: give one of them")
        return decode_bytes(name, datatype, shape, raw)
    field = CONTENTS.get(datatype)
    if field is None:
        raise Refusal(f"input {quote(name)} is {datatype}: give its bytes in raw_input_contents")
    if given not in ([field], []):
        raise Refusal(f"input {quote(name)} is {datatype}: its items belong in {field}, found {join_names(given)}")
    contents, count = getattr(entry.contents, field), math.prod(shape)
    if len(contents) != count:
        raise Refusal(f"input {quote(name)} has {len(contents)} items, its shape {list(shape)} asks for {count}")
    items = list(contents)
    return decode(name, datatype, shape, _decode_texts(name, items) if datatype == "BYTES" else items)


def _decode_texts(name: str, items: list[bytes]) -> list[str]:
    try:
        return [item.decode() for item in items]
    except UnicodeDecodeError:
        raise Refusal(f"input {quote(name)} has an item that is not valid UTF-8") from None


def _encode_items(tensor: Tensor) -> list[Any]:
    if isinstance(tensor.values, list):
        return [text.encode() for text in tensor.values]
    items: list[Any] = tensor.values.ravel().tolist()
    return items


def _outputs(message: messages.ModelInferRequest) -> dict[str, bool]:
    wanted: dict[str, bool] = {}
    for entry in message.outputs:
        if entry.name in wanted:
            raise Refusal(f"output {quote(entry.name)} is asked for twice")
        wanted[entry.name] = False
    return wanted


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _parameter_value(value) for name, value in parameters.items()}


def _parameter_value(value: messages.InferParameter) -> Any:
    return getattr(value, value.WhichOneof("parameter_choice") or "string_param")


def _parameter(value: Parameter) -> messages.InferParameter:
    """A parameter as a message."""
    if isinstance(value, bool):
        return messages.InferParameter(bool_param=value)
    if isinstance(value, float):
        return messages.InferParameter(double_param=value)
    if isinstance(value, int):
        return messages.InferParameter(int64_param=value)
    return messages.InferParameter(string_param=str(value))
