"""The codec of the protocol: what is written is read back; what is not the protocol is refused in words."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from serving.protocol import v2
from serving.protocol.errors import Refusal, join_names, quote
from serving.protocol.tensor import DTYPES, Tensor, decode, decode_bytes, encode_bytes

SHAPES = arrays.array_shapes(max_dims=3, max_side=4)


@some.composite
def tensors(draw: some.DrawFn, name: str = "x") -> Tensor:
    """Any tensor that a client may send."""
    datatype = draw(some.sampled_from([*DTYPES, "BYTES"]))
    shape = draw(SHAPES)
    if datatype == "BYTES":
        count = math.prod(shape)
        return Tensor(name, datatype, shape, draw(some.lists(some.text(), min_size=count, max_size=count)))
    finite = {"allow_nan": False, "allow_infinity": False} if datatype.startswith("FP") else {}
    dtype = np.dtype(DTYPES[datatype])
    return Tensor(name, datatype, shape, draw(arrays.arrays(dtype, shape, elements=arrays.from_dtype(dtype, **finite))))


def same(one: Tensor, other: Tensor) -> bool:
    if isinstance(one.values, list) or isinstance(other.values, list):
        return one == other
    described = (one.name, one.datatype, one.shape) == (other.name, other.datatype, other.shape)
    return described and bool(np.array_equal(one.values, other.values)) and one.values.shape == one.shape


def entry(tensor: Tensor, nested: bool) -> dict[str, Any]:
    values = np.array(tensor.values, object).reshape(tensor.shape) if nested else tensor.values
    data = values if isinstance(values, list) else (values if nested else values.ravel()).tolist()
    return {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype, "data": data}


@given(tensor=tensors(), nested=some.booleans())
def test_json_tensors_read_back(tensor: Tensor, nested: bool) -> None:
    body = orjson.dumps({"inputs": [entry(tensor, nested)]})
    assert same(v2.parse(body).inputs["x"], tensor)


@given(first=tensors("x"), second=tensors("y"), third=tensors("z"))
def test_binary_tensors_read_back_in_their_order(first: Tensor, second: Tensor, third: Tensor) -> None:
    inputs = [entry(tensor, nested=False) for tensor in (first, second, third)]
    tails = [encode_bytes(first), encode_bytes(third)]
    for described, tail in zip((inputs[0], inputs[2]), tails, strict=True):
        del described["data"]
        described["parameters"] = {"binary_data_size": len(tail)}
    head = orjson.dumps({"inputs": inputs})
    request = v2.parse(head + b"".join(tails), len(head))
    assert same(request.inputs["x"], first)
    assert same(request.inputs["y"], second)
    assert same(request.inputs["z"], third)


@given(tensor=tensors(), binary=some.booleans(), request_id=some.none() | some.text())
def test_a_response_says_what_it_was_given(tensor: Tensor, binary: bool, request_id: str | None) -> None:
    response = v2.InferenceResponse("m", "7", [tensor], request_id, {"a": 1})
    body, length = v2.render(response, frozenset("x" if binary else ""))
    message = json.loads(body[:length])
    [output] = message["outputs"]
    assert (message["model_name"], message["model_version"], message["parameters"]) == ("m", "7", {"a": 1})
    assert message.get("id") == request_id
    assert (output["name"], output["datatype"], output["shape"]) == ("x", tensor.datatype, list(tensor.shape))
    if binary:
        raw = body[length:]
        assert output["parameters"] == {"binary_data_size": len(raw)}
        assert same(decode_bytes("x", tensor.datatype, tensor.shape, raw), tensor)
    else:
        assert length is None
        assert same(decode("x", tensor.datatype, tensor.shape, output["data"]), tensor)


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
LOOSE = some.fixed_dictionaries(
    {},
    optional={
        "name": JSON | some.just("home"),
        "shape": JSON | some.just([1]),
        "datatype": JSON | some.sampled_from([*DTYPES, "BYTES"]),
        "data": JSON | some.lists(some.integers() | some.floats(), min_size=1, max_size=1),
        "parameters": JSON | some.fixed_dictionaries({"binary_data_size": JSON}),
    },
)
REQUESTS = some.fixed_dictionaries(
    {"inputs": some.lists(LOOSE, max_size=3) | JSON},
    optional={"id": JSON, "outputs": some.lists(LOOSE, max_size=2) | JSON, "parameters": JSON},
)


@given(message=REQUESTS | JSON, tail=some.binary(max_size=20), cut=some.none() | some.integers(-5, 5))
def test_any_json_is_a_request_or_a_refusal(message: object, tail: bytes, cut: int | None) -> None:
    head = json.dumps(message).encode()
    refused_or_read(head + tail, None if cut is None else len(head) + cut)


@given(body=some.binary(max_size=200), length=some.none() | some.integers(-1, 250))
def test_any_bytes_are_a_request_or_a_refusal(body: bytes, length: int | None) -> None:
    refused_or_read(body, length)


def refused_or_read(body: bytes, length: int | None) -> None:
    request_or_refusal(lambda: v2.parse(body, length, max_batch=8))


def request_or_refusal(read: Callable[[], v2.InferenceRequest]) -> None:
    """What is read is whole, and what is not read is refused in a short sentence."""
    request, refusal = attempt(read)
    if refusal is not None:
        assert 400 <= refusal.status < 500
        assert str(refusal).isprintable()
        assert len(str(refusal)) < 400
    for tensor in request.inputs.values():
        count = len(tensor.values) if isinstance(tensor.values, list) else tensor.values.size
        assert count == math.prod(tensor.shape)


def attempt(read: Callable[[], v2.InferenceRequest]) -> tuple[v2.InferenceRequest, Refusal | None]:
    try:
        return read(), None
    except Refusal as refusal:
        return v2.InferenceRequest({}), refusal


@pytest.mark.parametrize(
    ("outputs", "parameters", "binary"),
    [
        ([], {}, False),
        ([], {"binary_data_output": True}, True),
        ([{"name": "p"}], {"binary_data_output": True}, True),
        ([{"name": "p", "parameters": {"binary_data": False}}], {"binary_data_output": True}, False),
        ([{"name": "p", "parameters": {"binary_data": True}}], {}, True),
    ],
)
def test_an_output_is_binary_when_asked_for(outputs: list[Any], parameters: dict[str, Any], binary: bool) -> None:
    inputs = [{"name": "x", "shape": [1], "datatype": "INT64", "data": [1]}]
    body = orjson.dumps({"inputs": inputs, "outputs": outputs, "parameters": parameters})
    assert v2.parse(body).wants_binary("p") is binary


@pytest.mark.parametrize(("datatype", "number"), [("UINT8", 256), ("INT8", -129), ("UINT64", -1), ("INT32", 2**31)])
def test_whole_numbers_out_of_range_are_refused(datatype: str, number: int) -> None:
    with pytest.raises(Refusal, match=f"out of the range of {datatype}"):
        decode("x", datatype, (1,), [number])


JSON_VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda parts: some.lists(parts, max_size=4) | some.dictionaries(some.text(max_size=4), parts, max_size=4),
)


@given(value=JSON_VALUES)
def test_values_in_messages_are_short_and_on_one_line(value: object) -> None:
    whole = ascii(value)
    assert quote(value) == (whole if len(whole) <= 40 else f"{whole[:40]}...")
    assert len(quote(value)) <= 43
    assert quote(value).isascii()
    assert quote(value).isprintable()
    assert join_names([]) == "none"


@given(
    items=some.lists(some.floats() | some.integers(-(2**1030), 2**1030), min_size=1, max_size=6),
    datatype=some.sampled_from(["FP16", "FP32", "FP64"]),
)
def test_what_is_decoded_is_finite_and_is_what_numpy_makes_of_it(items: list[float], datatype: str) -> None:
    """As over gRPC, whose numbers come unread: with NaN and infinities, anywhere among them."""
    try:
        with np.errstate(over="ignore"):
            wanted = np.array(items, DTYPES[datatype])
    except OverflowError:
        wanted = np.array([np.inf])
    if np.isfinite(wanted).all():
        assert np.array_equal(decode("x", datatype, (len(items),), items).values, wanted)
    else:
        with pytest.raises(Refusal, match=r"finite|out of the range"):
            decode("x", datatype, (len(items),), items)


def test_an_id_is_kept_as_it_is_given() -> None:
    """An empty one too: the protocol returns an id that is specified. Over gRPC an empty one is none."""
    tensor = {"name": "x", "shape": [1], "datatype": "INT8", "data": [1]}
    assert v2.parse(orjson.dumps({"id": "", "inputs": [tensor]})).id == ""
    assert v2.parse(orjson.dumps({"id": None, "inputs": [tensor]})).id is None
    assert v2.parse(orjson.dumps({"inputs": [tensor]})).id is None


@given(tensor=tensors())
def test_sizes_may_be_written_as_fractions_of_zero(tensor: Tensor) -> None:
    """JSON has one kind of number: some clients write 31.0 for 31."""
    described = entry(tensor, nested=False)
    sized = {**described, "shape": [float(size) for size in tensor.shape]}
    read = v2.parse(orjson.dumps({"inputs": [sized]})).inputs["x"]
    assert same(read, tensor)
    assert set(map(type, read.shape)) == {int}
    raw = encode_bytes(tensor)
    sized["parameters"] = {"binary_data_size": float(len(raw))}
    del sized["data"]
    head = orjson.dumps({"inputs": [sized]})
    assert same(v2.parse(head + raw, len(head)).inputs["x"], tensor)
