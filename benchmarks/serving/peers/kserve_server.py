"""KServe's Python SDK server: a custom model, features in `preprocess`, ONNX Runtime in `predict`."""

import logging
import os
from datetime import datetime

import numpy as np
import numpy.typing as npt
from graph import Graph
from kserve import InferInput, InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.logging import configure_logging, trace_logger
from kserve.utils.utils import generate_uuid
from lookup import Lookup

NAME = "match-outcome"


class MatchOutcome(Model):
    """V2 requests: `home`, `away` and `kickoff` in entity mode, `features` in raw mode."""

    def load(self) -> bool:
        """Open the feature store and the graph."""
        self.lookup, self.graph = Lookup(), Graph()
        self.ready = True
        return True

    def preprocess(
        self, payload: InferRequest, headers: dict[str, str] | None = None
    ) -> tuple[str | None, npt.NDArray[np.float32]]:
        """The request's id, if it has one, and its feature vectors (n, k)."""
        inputs: dict[str, InferInput] = {each.name: each for each in payload.inputs}
        if "features" in inputs:
            return payload.id, inputs["features"].as_numpy()
        home, away, kickoff = (inputs[name].data for name in ("home", "away", "kickoff"))
        return payload.id, self.lookup.vectors(home, away, [datetime.fromisoformat(text) for text in kickoff])

    def predict(
        self, payload: tuple[str | None, npt.NDArray[np.float32]], headers: dict[str, str] | None = None
    ) -> InferResponse:
        """Probabilities (n, 3)."""
        identity, vectors = payload
        output = InferOutput(name="probabilities", shape=[len(vectors), 3], datatype="FP32")
        output.set_data_from_numpy(self.graph.predict(vectors), binary_data=False)
        return InferResponse(response_id=identity or generate_uuid(), model_name=self.name, infer_outputs=[output])


if __name__ == "__main__":
    configure_logging()
    for logger in (trace_logger, logging.getLogger("uvicorn.access")):
        logger.setLevel(logging.WARNING)  # no line for each request
    model = MatchOutcome(NAME)
    model.load()
    ModelServer(
        http_port=int(os.environ["BENCH_PORT"]), workers=1, enable_grpc=False, enable_latency_logging=False
    ).start([model])
