"""Messages of gRPC become the requests that REST gives too; what is no request is refused in words."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from serving.grpc import codec
from serving.grpc import open_inference_pb2 as messages
from serving.protocol import v2
from serving.protocol.errors import Refusal
from serving.protocol.tensor import DATATYPES, Tensor, decode_bytes, encode_bytes
from tests.serving.test_v2_codec import request_or_refusal, same, tensors

MESSAGES = [
    "ServerLiveRequest",
    "ServerLiveResponse",
    "ServerReadyRequest",
    "ServerReadyResponse",
    "ModelReadyRequest",
    "ModelReadyResponse",
    "ServerMetadataRequest",
    "ServerMetadataResponse",
    "ModelMetadataRequest",
    "ModelMetadataResponse",
    "ModelInferRequest",
    "ModelInferResponse",
    "InferParameter",
    "InferTensorContents",
]


def test_messages_are_generated_from_their_source(tmp_path: Path) -> None:
    """Else: make stubs."""
    folder = Path(messages.__file__).parent
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(folder), f"--python_out={tmp_path}"]
    subprocess.run([*command, f"--pyi_out={tmp_path}", "open_inference.proto"], check=True)
    for name in ("open_inference_pb2.py", "open_inference_pb2.pyi"):
        generated = (
            (tmp_path / name).read_text().replace("_descriptor_pool.Default()", "_descriptor_pool.DescriptorPool()")
        )
        assert (folder / name).read_text() == generated


LATER = {"double_param", "uint64_param"}
"""Fields that the protocol has, and KServe's messages not yet."""


def layout(descriptor: Any) -> Any:
    """What of a message matters on the wire: each field's name, number, kind, and its message."""
    return {
        field.name: (field.number, field.type, field.is_repeated, field.message_type and layout(field.message_type))
        for field in descriptor.fields
        if field.name not in LATER
    }


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_those_of_kserve(name: str) -> None:
    from kserve.protocol.grpc import grpc_predict_v2_pb2 as public

    ours, theirs = (module.DESCRIPTOR.message_types_by_name[name] for module in (messages, public))
    assert ours.full_name == theirs.full_name
    assert layout(ours) == layout(theirs)


def test_parameters_are_those_of_triton() -> None:
    """Asked of a process of its own, as KServe's messages have the same names."""
    script = (
        "import json; from tritonclient.grpc.service_pb2 import InferParameter\n"
        "print(json.dumps({field.name: [field.number, field.type] for field in InferParameter.DESCRIPTOR.fields}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    ours = {field.name: [field.number, field.type] for field in messages.InferParameter.DESCRIPTOR.fields}
    assert ours == json.loads(done.stdout)
    assert ours.keys() > LATER


def asked(*given: Tensor, raw: bool) -> messages.ModelInferRequest:
    """A request as a client would write it."""
    message = messages.ModelInferRequest(model_name="m", id="one")
    for tensor in given:
        entry = message.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if raw:
            message.raw_input_contents.append(encode_bytes(tensor))
        else:
            items = tensor.values if isinstance(tensor.values, list) else tensor.values.ravel().tolist()
            encoded = [item.encode() if isinstance(item, str) else item for item in items]
            getattr(entry.contents, codec.CONTENTS[tensor.datatype]).extend(encoded)
    return message


@given(first=tensors("x"), second=tensors("y"), raw=some.booleans())
def test_tensors_read_back(first: Tensor, second: Tensor, raw: bool) -> None:
    raw = raw or "FP16" in (first.datatype, second.datatype)
    request = codec.read(asked(first, second, raw=raw))
    assert request.id == "one"
    assert same(request.inputs["x"], first)
    assert same(request.inputs["y"], second)


@given(tensor=tensors(), raw=some.booleans())
def test_a_response_says_what_it_was_given(tensor: Tensor, raw: bool) -> None:
    raw = raw or tensor.datatype == "FP16"
    parameters = {"missing": 3, "degraded": True, "age": 0.25, "version": "7"}
    message = codec.write(v2.InferenceResponse("m", "7", [tensor], "one", parameters), raw)
    assert (message.model_name, message.model_version, message.id) == ("m", "7", "one")
    kinds = {name: value.WhichOneof("parameter_choice") for name, value in message.parameters.items()}
    assert kinds == {
        "missing": "int64_param",
        "degraded": "bool_param",
        "age": "double_param",
        "version": "string_param",
    }
    assert message.parameters["age"].double_param == 0.25
    [output] = message.outputs
    assert (output.name, output.datatype, tuple(output.shape)) == ("x", tensor.datatype, tensor.shape)
    if raw:
        assert same(decode_bytes("x", tensor.datatype, tensor.shape, message.raw_output_contents[0]), tensor)
    else:
        items = list(getattr(output.contents, codec.CONTENTS[tensor.datatype]))
        values = tensor.values
        expected = [text.encode() for text in values] if isinstance(values, list) else values.ravel().tolist()
        assert items == expected


PARAMETERS = some.dictionaries(some.text(max_size=3), some.just(messages.InferParameter()), max_size=2)
ENTRIES = some.builds(
    lambda name, datatype, shape, field, items, parameters: (name, datatype, shape, field, items, parameters),
    some.sampled_from(["home", "x", ""]) | some.text(max_size=4),
    some.sampled_from([*DATATYPES, "", "float"]),
    some.lists(some.integers(-2, 3) | some.integers(-(2**63), 2**63 - 1), max_size=3),
    some.sampled_from([None, "bool_contents", "int_contents", "uint64_contents", "fp32_contents", "bytes_contents"]),
    some.integers(0, 3),
    PARAMETERS,
)
ITEMS: dict[str, Any] = {"bool_contents": True, "bytes_contents": b"\xff", "fp32_contents": math.inf}


@given(
    entries=some.lists(ENTRIES, max_size=3), raws=some.lists(some.binary(max_size=12), max_size=3), settings=PARAMETERS
)
def test_any_message_is_a_request_or_a_refusal(entries: list[Any], raws: list[bytes], settings: Any) -> None:
    message = messages.ModelInferRequest(raw_input_contents=raws, parameters=settings)
    for name, datatype, shape, field, count, parameters in entries:
        entry = message.inputs.add(name=name, datatype=datatype, shape=shape, parameters=parameters)
        if field:
            getattr(entry.contents, field).extend([ITEMS.get(field, 1)] * count)
    request_or_refusal(lambda: codec.read(message, max_batch=8))


@pytest.mark.parametrize(
    ("datatype", "number"), [("INT8", 128), ("UINT8", 256), ("INT16", -40_000), ("UINT16", 70_000)]
)
def test_numbers_beyond_their_datatype_are_refused(datatype: str, number: int) -> None:
    message = messages.ModelInferRequest()
    entry = message.inputs.add(name="x", datatype=datatype, shape=[1])
    getattr(entry.contents, codec.CONTENTS[datatype]).append(number)
    with pytest.raises(Refusal, match=f"out of the range of {datatype}"):
        codec.read(message)


def test_half_precision_goes_as_raw_contents() -> None:
    message = messages.ModelInferRequest()
    message.inputs.add(name="x", datatype="FP16", shape=[1])
    with pytest.raises(Refusal, match="raw_input_contents"):
        codec.read(message)
    message.raw_input_contents.append(np.float16(1.5).tobytes())
    assert codec.read(message).inputs["x"].values.tolist() == [1.5]
