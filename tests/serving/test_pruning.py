"""A pruned graph gives the same numbers of its one output, and computes nothing else."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as some
from onnx import TensorProto, helper, numpy_helper

from serving.pruning import prune
from tests.kinds import by_hand, graph


def run(onnx_bytes: bytes, output: str, rows: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run([output], {"features": rows})[0]
    return found


@pytest.mark.parametrize("output", ["points", "spread", "twice"])
def test_one_output_and_what_it_needs_are_left(output: str) -> None:
    pruned = prune(graph(), output)
    assert pruned is not None
    model = onnx.load_from_string(pruned)
    onnx.checker.check_model(model, full_check=True)
    assert [each.name for each in model.graph.output] == [output]
    made = {name for node in model.graph.node for name in node.output}
    assert made & {"points", "spread", "twice"} == {output, *(["points"] if output == "twice" else [])}
    assert ("around" in {each.name for each in model.graph.initializer}) is (output == "spread")
    rows = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
    np.testing.assert_array_equal(run(pruned, output, rows), run(graph(), output, rows))
    if output == "points":
        np.testing.assert_allclose(run(pruned, output, rows), by_hand(rows), rtol=1e-5)


def test_a_graph_with_graphs_inside_is_left_whole() -> None:
    value = numpy_helper.from_array(np.float32([1]), "value")
    inside = helper.make_graph(
        [helper.make_node("Identity", ["value"], ["chosen"])],
        "inside",
        [],
        [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, [1])],
    )
    truth = numpy_helper.from_array(np.array(True), "truth")
    node = helper.make_node("If", ["truth"], ["answer"], then_branch=inside, else_branch=inside)
    outputs = [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1])]
    made = helper.make_graph([node], "outer", [], outputs, [value, truth])
    assert prune(helper.make_model(made).SerializeToString(), "answer") is None


@given(content=some.binary(max_size=60))
def test_any_bytes_are_pruned_or_left(content: bytes) -> None:
    assert prune(content, "points") is None or isinstance(prune(content, "points"), bytes)


@given(cut=some.integers(0, len(graph()) - 1))
def test_a_graph_that_is_cut_short_is_left_or_has_the_output(cut: int) -> None:
    pruned = prune(graph()[:cut], "points")
    assert pruned is None or len(pruned) <= cut
