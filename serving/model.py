"""A model ready to answer: a verified bundle's graph in an ONNX Runtime session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from matchday.bundle import read_bundle
from matchday.errors import MatchdayError
from matchday.signature import RAW_INPUT, Signature
from serving.protocol.errors import NotFinite

UNREGISTERED = "unregistered"
"""Version of a bundle that is served from a folder without having been registered."""

Matrix = npt.NDArray[np.float32]


class ModelError(MatchdayError):
    """A bundle whose graph cannot be run, or is not the one its signature describes."""


@dataclass(frozen=True, slots=True)
class Model:
    """A graph, what it takes and what it gives. explainer: what explanations of it need, from the bundle."""

    signature: Signature
    version: str
    session: onnxruntime.InferenceSession
    explainer: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, features: Matrix) -> Matrix:
        """Outputs (n, classes) of features (n, k). Raises NotFinite when an output is not finite."""
        output: Matrix = self.session.run([self.signature.output], {RAW_INPUT: features})[0]
        finite = np.isfinite(output)
        if not finite.all():
            rows = np.flatnonzero(~finite.reshape(len(output), -1).all(axis=1))
            raise NotFinite(self.signature.model, rows.tolist(), len(output))
        return output


def load(folder: Path, version: str | None = None) -> Model:
    """The model of a bundle, verified and warmed up.

    version: as registered; without it the signature's. Raises BundleError or ModelError.
    """
    bundle = read_bundle(folder)
    signature = bundle.signature
    try:
        session = onnxruntime.InferenceSession(bundle.onnx, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{folder / 'model.onnx'} is no graph that ONNX Runtime can run: {error}") from error
    model = Model(signature, version or signature.version or UNREGISTERED, session, bundle.explainer)
    _check(model, folder)
    _warm(model, folder)
    return model


def _options() -> onnxruntime.SessionOptions:
    """One thread for each request, and memory that is given back after each run.

    Rows are few, and waiting threads would take the processor from the server. ONNX Runtime would keep a memory
    pattern for every batch size, for good: batches of 1 to 1,024 rows once each took 650 MB.
    Without pattern and arena a run takes 6 to 8 % more processor time.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options


def _check(model: Model, folder: Path) -> None:
    columns = len(model.signature.features)
    taken = [(each.name, each.type, each.shape[1:]) for each in model.session.get_inputs()]
    if taken != [(RAW_INPUT, "tensor(float)", [columns])]:
        raise ModelError(f"{folder / 'model.onnx'} takes {taken}; its signature says features FP32 [n, {columns}]")
    outputs = [each.name for each in model.session.get_outputs()]
    if model.signature.output not in outputs:
        raise ModelError(f"{folder / 'model.onnx'} gives {', '.join(outputs)}, not {model.signature.output}")


def _warm(model: Model, folder: Path) -> None:
    """Run one row and two, so that no client pays for first allocations, and check the shapes."""
    signature = model.signature
    for rows in (1, 2):
        features = np.zeros((rows, len(signature.features)), np.float32)
        output = model.session.run([signature.output], {RAW_INPUT: features})
        wanted = (rows, len(signature.classes)) if signature.classes else (rows,)
        if output[0].shape != wanted:
            raise ModelError(f"{folder / 'model.onnx'} gives shape {output[0].shape} for {rows} rows, not {wanted}")
