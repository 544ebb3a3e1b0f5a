"""The model's graph in ONNX Runtime, for the peers that serve ONNX."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime


class Graph:
    """One thread: a row takes microseconds, and more threads would only wait for each other."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        model = Path(os.environ["BENCH_BUNDLE"]) / "model.onnx"
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def predict(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities (n, 3) of feature vectors (n, k)."""
        return self.session.run(["probabilities"], {"features": vectors})[0]
