"""V1's instances become the tensors that V2 gives too; what is no request is refused in words."""

import json

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from serving.protocol import v1
from serving.protocol.errors import Refusal
from serving.protocol.tensor import Tensor
from serving.protocol.v2 import InferenceResponse
from tests.serving.test_v2_codec import JSON, request_or_refusal

TEAMS = some.sampled_from(["ARS", "LIV", ""]) | some.text(max_size=4)


@given(pairs=some.lists(some.tuples(TEAMS, TEAMS, some.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=5))
def test_objects_become_one_tensor_a_key(pairs: list[tuple[str, str, int]]) -> None:
    instances = [{"home": home, "away": away, "player": player} for home, away, player in pairs]
    inputs = v1.parse_predict(orjson.dumps({"instances": instances, "signature_name": "ignored"})).inputs
    assert {name: (each.datatype, each.shape) for name, each in inputs.items()} == {
        "home": ("BYTES", (len(pairs),)),
        "away": ("BYTES", (len(pairs),)),
        "player": ("INT64", (len(pairs),)),
    }
    assert inputs["home"].values == [home for home, _, _ in pairs]
    assert list(inputs["player"].values) == [player for _, _, player in pairs]


@given(
    rows=some.integers(1, 4).flatmap(
        lambda k: some.lists(some.lists(some.floats(-1e9, 1e9), min_size=k, max_size=k), min_size=1, max_size=4)
    )
)
def test_lists_become_features(rows: list[list[float]]) -> None:
    [tensor] = v1.parse_predict(orjson.dumps({"instances": rows})).inputs.values()
    assert (tensor.name, tensor.datatype, tensor.shape) == ("features", "FP32", (len(rows), len(rows[0])))
    assert np.array_equal(tensor.values, np.array(rows, np.float32))


LOOSE = some.dictionaries(some.sampled_from(["home", "away", "kickoff"]) | some.text(max_size=3), JSON, max_size=3)
INSTANCES = some.lists(LOOSE | some.lists(JSON, max_size=3) | JSON, max_size=4)


@given(message=some.fixed_dictionaries({"instances": INSTANCES | JSON}) | JSON)
def test_any_json_is_a_request_or_a_refusal(message: object) -> None:
    request_or_refusal(lambda: v1.parse_predict(json.dumps(message).encode(), max_batch=3))


@given(body=some.binary(max_size=100))
def test_any_bytes_are_a_request_or_a_refusal(body: bytes) -> None:
    request_or_refusal(lambda: v1.parse_predict(body, max_batch=3))


def test_predictions_are_rows_or_numbers() -> None:
    wide = Tensor("probabilities", "FP32", (2, 2), np.array([[0.25, 0.75], [1, 0]], np.float32))
    message = json.loads(v1.render(InferenceResponse("m", "7", [wide], "one", {"missing_features": 0}), ("H", "A")))
    assert message == {
        "model_name": "m",
        "model_version": "7",
        "id": "one",
        "parameters": {"missing_features": 0},
        "columns": ["H", "A"],
        "predictions": [[0.25, 0.75], [1.0, 0.0]],
    }
    narrow = Tensor("points", "FP32", (2,), np.array([2.5, 0], np.float32))
    assert json.loads(v1.render(InferenceResponse("m", "7", [narrow])))["predictions"] == [2.5, 0.0]


def test_uneven_instances_are_shown() -> None:
    with pytest.raises(Refusal, match="instance 2 has 'away', the first has 'home': give the same to all"):
        v1.parse_predict(b'{"instances": [{"home": "ARS"}, {"away": "LIV"}]}')
