"""A model ready to answer: a verified bundle's graph in ONNX Runtime sessions."""

from collections.abc import Mapping, Sequence
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
from serving.pruning import prune

UNREGISTERED = "unregistered"
"""Version of a bundle that is served from a folder without having been registered."""

Matrix = npt.NDArray[np.float32]


class ModelError(MatchdayError):
    """A bundle whose graph cannot be run, or is not the one its signature describes."""


@dataclass(frozen=True, slots=True)
class Model:
    """A graph, what it takes and what it gives.

    session: gives the forecast. explainer: what explanations of it need, from the bundle. whole: gives the further
    outputs as well; None where there are none.
    """

    signature: Signature
    version: str
    session: onnxruntime.InferenceSession
    explainer: Mapping[str, Any] = field(default_factory=dict)
    whole: onnxruntime.InferenceSession | None = None

    def predict(self, features: Matrix) -> Matrix:
        """Outputs (n, classes) of features (n, k). Raises NotFinite when an output is not finite."""
        output: Matrix = self.session.run([self.signature.output], {RAW_INPUT: features})[0]
        if not np.isfinite(output).all():
            raise self._not_finite([output])
        return output

    def predict_further(self, features: Matrix, names: Sequence[str]) -> list[Matrix]:
        """The forecast (n, classes), then further outputs (n, ...) by their names, of features (n, k).

        Raises NotFinite when a number of them is not finite.
        """
        outputs: list[Matrix] = (self.whole or self.session).run([self.signature.output, *names], {RAW_INPUT: features})
        if not all(np.isfinite(output).all() for output in outputs):
            raise self._not_finite(outputs)
        return outputs

    def _not_finite(self, outputs: Sequence[Matrix]) -> NotFinite:
        rows = len(outputs[0])
        finite = np.all([np.isfinite(output).reshape(rows, -1).all(axis=1) for output in outputs], axis=0)
        return NotFinite(self.signature.model, np.flatnonzero(~finite).tolist(), rows)


def load(folder: Path, version: str | None = None) -> Model:
    """The model of a bundle, verified and warmed up.

    version: as registered; without it the signature's. Raises BundleError or ModelError.
    """
    bundle = read_bundle(folder)
    signature = bundle.signature
    path = folder / "model.onnx"
    whole = _open_session(bundle.onnx, path)
    _check(signature, whole, path)
    pruned = prune(bundle.onnx, signature.output) if signature.further else None
    session = _open_session(pruned, path) if pruned else whole
    model = Model(
        signature,
        version or signature.version or UNREGISTERED,
        session,
        bundle.explainer,
        whole if signature.further else None,
    )
    _warm(model, path)
    return model


def _open_session(onnx: bytes, path: Path) -> onnxruntime.InferenceSession:
    try:
        return onnxruntime.InferenceSession(onnx, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path} is no graph that ONNX Runtime can run: {error}") from error


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


def _check(signature: Signature, session: onnxruntime.InferenceSession, path: Path) -> None:
    columns = len(signature.columns)
    taken = [(each.name, each.type, each.shape[1:]) for each in session.get_inputs()]
    if taken != [(RAW_INPUT, "tensor(float)", [columns])]:
        raise ModelError(f"{path} takes {taken}; its signature says features FP32 [n, {columns}]")
    types = {each.name: each.type for each in session.get_outputs()}
    for name in (signature.output, *(each.name for each in signature.further)):
        if name not in types:
            raise ModelError(f"{path} gives {', '.join(types)}, not {name}")
        if types[name] != "tensor(float)":
            raise ModelError(f"{path} gives {name} as {types[name]}, not as FP32")


def _warm(model: Model, path: Path) -> None:
    """Run one row and two, so that no client pays for first allocations, and check the shapes."""
    signature = model.signature
    shapes: dict[str, tuple[int, ...]] = {signature.output: (len(signature.classes),) if signature.classes else ()}
    further = {each.name: tuple(each.shape) for each in signature.further}
    sessions = [(model.session, shapes)]
    if model.whole is not None:
        sessions.append((model.whole, shapes | further))
    for rows in (1, 2):
        features = {RAW_INPUT: np.zeros((rows, len(signature.columns)), np.float32)}
        for session, wanted in sessions:
            for (name, shape), output in zip(wanted.items(), session.run(list(wanted), features), strict=True):
                if output.shape != (rows, *shape):
                    raise ModelError(
                        f"{path} gives shape {output.shape} of {name} for {rows} rows, not {(rows, *shape)}"
                    )
