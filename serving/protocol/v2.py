"""Codec of the Open Inference Protocol V2 over REST: bodies to requests, and responses to bodies.

Pure functions of bytes. https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
The binary tensor extension puts raw tensors behind a JSON part whose length stands in a header.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from serving.protocol.errors import Refusal, join_names, quote
from serving.protocol.tensor import DATATYPES, Tensor, decode, decode_bytes, encode_bytes

JSON_LENGTH_HEADER = "inference-header-content-length"
EXTENSIONS = ("binary_tensor_data",)

Parameter = str | int | float | bool


class InferenceRequest(NamedTuple):
    """A request for a forecast, of any protocol. outputs: name -> wanted as raw bytes; empty means every output."""

    inputs: Mapping[str, Tensor]
    id: str | None = None
    outputs: Mapping[str, bool] = MappingProxyType({})
    parameters: Mapping[str, Any] = MappingProxyType({})

    def wants_binary(self, output: str) -> bool:
        """Whether an output is to be sent as raw bytes."""
        return self.outputs.get(output, self.parameters.get("binary_data_output") is True)


class InferenceResponse(NamedTuple):
    """A forecast, for any protocol."""

    model_name: str
    model_version: str
    outputs: Sequence[Tensor]
    id: str | None = None
    parameters: Mapping[str, Parameter] = MappingProxyType({})


InputCheck = Callable[[str, str, Sequence[int]], None]
"""Raises Refusal for an input that a model does not take, by its name, datatype and shape."""

MOST_OUTPUTS = 64
MOST_DIMENSIONS = 8


def parse(
    body: bytes,
    json_length: int | None = None,
    max_batch: int | None = None,
    check: InputCheck | None = None,
) -> InferenceRequest:
    """Read a request. json_length: bytes of the JSON part when raw tensors follow it.

    check: is called for each input before its data are decoded. Raises Refusal: 413 when an input has more than
    `max_batch` rows, else 400, saying what is wrong where.
    """
    head, raw = _split(body, json_length)
    message = loads(head, max_batch=max_batch)
    entries = _list(message, "inputs")
    if not entries:
        raise Refusal('the request has no inputs: give {"inputs": [{"name", "shape", "datatype", "data"}]}')
    inputs: dict[str, Tensor] = {}
    at = 0
    for entry in entries:
        tensor, at = _tensor(entry, raw, at, max_batch, check)
        if tensor.name in inputs:
            raise Refusal(f"input {quote(tensor.name)} is given twice")
        inputs[tensor.name] = tensor
    if at != len(raw):
        raise Refusal(f"{len(raw) - at} bytes are left after the last binary input: the sizes do not add up")
    parameters = _parameters(message, "the request")
    return InferenceRequest(inputs, check_id(message.get("id")), _outputs(message), parameters)


def render(response: InferenceResponse, binary: frozenset[str] = frozenset()) -> tuple[bytes, int | None]:
    """The body of a response, and the length of its JSON part when raw tensors follow it.

    binary: names of the outputs to send as raw bytes.
    """
    tail = []
    outputs = []
    for tensor in response.outputs:
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if tensor.name in binary:
            tail.append(encode_bytes(tensor))
            entry["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            entry["data"] = tensor.values if isinstance(tensor.values, list) else tensor.values.ravel()
        outputs.append(entry)
    message: dict[str, Any] = {"model_name": response.model_name, "model_version": response.model_version}
    if response.id is not None:
        message["id"] = response.id
    message |= {"parameters": dict(response.parameters), "outputs": outputs}
    head = orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)
    return (head + b"".join(tail), len(head)) if tail else (head, None)


def _split(body: bytes, json_length: int | None) -> tuple[bytes, bytes]:
    if json_length is None:
        return body, b""
    if not 0 <= json_length <= len(body):
        raise Refusal(f"Inference-Header-Content-Length is {json_length}, the body has {len(body)} bytes")
    return body[:json_length], body[json_length:]


def loads(head: bytes, example: str = '{"inputs": [...]}', max_batch: int | None = None) -> dict[str, Any]:
    """The JSON object of a body. Raises Refusal, with an example, when there is none.

    Also (413) when it has far more objects, lists or keys than `max_batch` rows need: parsing them would take long.
    """
    if not head.strip():
        raise Refusal(f"the body is empty: send JSON such as {example}")
    if max_batch is not None and len(head) > PARSED_UNCHECKED_BYTES:
        _require_few(head, max_batch)
    try:
        message = orjson.loads(head)
    except orjson.JSONDecodeError as error:
        raise Refusal(f"the body is not valid JSON: {error}") from None
    if not isinstance(message, dict):
        raise Refusal(f"the body must be a JSON object such as {example}")
    return message


PARSED_UNCHECKED_BYTES = 64 * 1024
"""Bytes that are parsed in no time, whatever they hold."""


def _require_few(head: bytes, max_batch: int) -> None:
    parts = head.count(b"{") + head.count(b"[")
    if parts > 1024 + 16 * max_batch or head.count(b":") > 1024 + 16 * max_batch:
        raise Refusal(
            f"the body has more objects, lists or keys than {max_batch} rows need",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )


def _tensor(entry: object, raw: bytes, at: int, max_batch: int | None, check: InputCheck | None) -> tuple[Tensor, int]:
    """The tensor of one entry of `inputs`, and where the next one's raw bytes begin."""
    if not isinstance(entry, dict):
        raise Refusal(f"an input must be an object with name, shape, datatype and data, found {quote(entry)}")
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise Refusal(f"an input has no name, found {quote(name)}")
    datatype = entry.get("datatype")
    if datatype not in DATATYPES:
        raise Refusal(f"input {quote(name)} has datatype {quote(datatype)}: use one of {join_names(DATATYPES)}")
    shape = check_shape(name, entry.get("shape"), max_batch)
    if check is not None:
        check(name, datatype, shape)
    size = _binary_size(entry, name, len(raw) - at) if "parameters" in entry else None
    if size is not None:
        return decode_bytes(name, datatype, shape, raw[at : at + size]), at + size
    data = entry.get("data")
    if not isinstance(data, list):
        raise Refusal(f"input {quote(name)} needs data, a list of its items")
    return decode(name, datatype, shape, data), at


def _binary_size(entry: dict[str, Any], name: str, left: int) -> int | None:
    """How many of the `left` raw bytes are the data of an input; None when its data stands in the JSON part."""
    size = _parameters(entry, f"input {quote(name)}").get("binary_data_size")
    if size is None:
        return None
    if type(size) is float and size.is_integer():
        size = int(size)
    if "data" in entry:
        raise Refusal(f"input {quote(name)} has both data and binary_data_size: give one of them")
    if type(size) is not int or not 0 <= size <= left:
        raise Refusal(
            f"input {quote(name)}: binary_data_size is {quote(size)}, {left} bytes follow"
            " the JSON part (its length belongs in the header Inference-Header-Content-Length)"
        )
    return size


def check_shape(name: str, shape: object, max_batch: int | None) -> tuple[int, ...]:
    """The shape of an input. Raises Refusal: 413 when it has more than `max_batch` rows, else 400."""
    if not isinstance(shape, list) or not shape or len(shape) > MOST_DIMENSIONS:
        raise Refusal(f"input {quote(name)} needs a shape such as [1] or [1, 30], found {quote(shape)}")
    for place, size in enumerate(shape):
        if type(size) is float and size.is_integer():
            shape[place] = size = int(size)
        if type(size) is not int or not 0 < size < 2**31:
            raise Refusal(f"input {quote(name)} has shape {quote(shape)}: sizes must be whole numbers above 0")
    if max_batch is not None and shape[0] > max_batch:
        raise too_many(f"input {quote(name)}", shape[0], max_batch)
    return tuple(shape)


def too_many(what: str, rows: int, limit: int) -> Refusal:
    """The refusal (413) of too many rows in one request."""
    return Refusal(f"{what} has {rows} rows, at most {limit} are answered at once", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _outputs(message: dict[str, Any]) -> dict[str, bool]:
    everything = _parameters(message, "the request").get("binary_data_output") is True
    wanted: dict[str, bool] = {}
    entries = _list(message, "outputs")
    if len(entries) > MOST_OUTPUTS:
        raise Refusal(f"the request asks for {len(entries)} outputs, at most {MOST_OUTPUTS} are given")
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise Refusal(f'a requested output must be an object such as {{"name": ...}}, found {quote(entry)}')
        if name in wanted:
            raise Refusal(f"output {quote(name)} is asked for twice")
        binary = _parameters(entry, f"output {quote(name)}").get("binary_data", everything)
        if not isinstance(binary, bool):
            raise Refusal(f"output {quote(name)}: binary_data must be true or false, found {quote(binary)}")
        wanted[name] = binary
    return wanted


def _list(message: dict[str, Any], key: str) -> list[Any]:
    value = message.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Refusal(f"{key} must be a list, found {quote(value)}")
    return value


def _parameters(entry: dict[str, Any], where: str) -> dict[str, Any]:
    value = entry.get("parameters")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(f"parameters of {where} must be an object, found {quote(value)}")
    return value


def check_id(value: object) -> str | None:
    """The id of a request. Raises Refusal when it is no text, or a long one."""
    if value is not None and not (isinstance(value, str) and len(value) <= 256):
        raise Refusal(f"id must be a text of at most 256 characters, found {quote(value)}")
    return value
