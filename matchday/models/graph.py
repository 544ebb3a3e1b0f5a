"""Writing ONNX graphs, and proving that a graph forecasts what the model in Python forecasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from matchday.errors import MatchdayError
from matchday.models.kind import ModelKind

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

OPSET, IR_VERSION = 18, 9
DOMAINS = {"": OPSET, "ai.onnx.ml": 3}
"""Versions of the operators by their domain."""
FEATURES = "features"
"""Name of the graph's input, (n, k) float32."""
TOLERANCE = 1e-5
"""Largest difference of a forecast number between Python and the graph."""


class ParityError(MatchdayError):
    """The exported graph does not forecast what the model forecasts."""


@dataclass(frozen=True)
class Parity:
    """How far graph and model are apart: rows compared, largest absolute difference of a number."""

    rows: int
    largest: float


class GraphWriter:
    """Collects the nodes and constants of a graph; every value has a name of its own."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add an operator; returns the name of its output."""
        self._nodes.append(helper.make_node(operator, inputs, [output], name=f"{output}_node", **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        """Add a constant, kept as float32; returns its name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def doubles(self, name: str, value: Any) -> str:
        """Add a constant, kept as float64; returns its name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float64), name))
        return name

    def integers(self, name: str, values: Sequence[int]) -> str:
        """Add a constant of int64, such as axes; returns its name."""
        self._constants.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def serialise(self, kind: ModelKind, columns: int) -> bytes:
        """The graph from `features` (n, columns) to the model's outputs, checked by ONNX's own checker.

        Its outputs are `kind.output` and those of `kind.further`, by their names.
        """
        shapes = {kind.output.name: kind.output.shape[1:], **{each.name: each.shape for each in kind.further}}
        graph = helper.make_graph(
            self._nodes,
            kind.name,
            [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["n", columns])],
            [helper.make_tensor_value_info(each, TensorProto.FLOAT, ["n", *shape]) for each, shape in shapes.items()],
            self._constants,
        )
        used = sorted({"", *(node.domain for node in self._nodes)})
        opsets = [helper.make_opsetid(domain, DOMAINS[domain]) for domain in used]
        whole = helper.make_model(graph, opset_imports=opsets, producer_name="matchday", ir_version=IR_VERSION)
        onnx.checker.check_model(whole, full_check=True)
        return bytes(whole.SerializeToString(deterministic=True))


def prove_parity(
    graph: bytes,
    output: str,
    vectors: Float32Array,
    wanted: FloatArray,
    further: Mapping[str, FloatArray] | None = None,
) -> Parity:
    """Compare a graph's outputs on every feature vector (n, k), together and one by one, with the model's.

    wanted: (n, ...) of `output`; further: those of the other outputs, by name. Raises ParityError beyond `TOLERANCE`,
    and for an output of the graph that there is nothing to compare with.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    all_wanted = {output: wanted, **(further or {})}
    if unproven := {each.name for each in session.get_outputs()} - all_wanted.keys():
        raise ParityError(f"nothing was given to compare the graph's {', '.join(sorted(unproven))} with")
    names = list(all_wanted)
    together = session.run(names, {FEATURES: vectors})
    rows = [session.run(names, {FEATURES: row[None]}) for row in vectors]
    alone = [np.concatenate(each) for each in zip(*rows, strict=True)]
    largest = max(
        float(np.abs(found - all_wanted[name]).max())
        for of_all in (together, alone)
        for name, found in zip(names, of_all, strict=True)
    )
    if not largest <= TOLERANCE:
        raise ParityError(f"the exported graph is off by {largest:.2e} (limit {TOLERANCE:.0e}): it must not be served")
    return Parity(rows=len(vectors), largest=largest)
