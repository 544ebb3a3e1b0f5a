"""A model server of KServe's Python SDK that knows nothing of Matchday: `python kserve_model.py PORT`.

It adds up the values of a row. A negative sum fails, and one above 100 takes 60 ms.
"""

import sys
import time
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid

NAME = "adder"


class Adder(Model):
    """V2: an input `values` of n rows gives an output `sums` of n numbers."""

    def load(self) -> bool:
        """Nothing to load."""
        self.ready = True
        return True

    def predict(self, payload: InferRequest, headers: dict[str, str] | None = None) -> InferResponse:
        """The sums. Raises ValueError for a negative one."""
        sums = payload.inputs[0].as_numpy().sum(axis=1)
        if (sums < 0).any():
            raise ValueError("a sum is negative")
        if (sums > 100).any():
            time.sleep(0.06)
        output = InferOutput(name="sums", shape=[len(sums)], datatype="FP32")
        output.set_data_from_numpy(sums, binary_data=False)
        return InferResponse(response_id=payload.id or generate_uuid(), model_name=self.name, infer_outputs=[output])


def main(arguments: list[Any]) -> None:
    """Serve until it is ended."""
    model = Adder(NAME)
    model.load()
    ModelServer(http_port=int(arguments[0]), workers=1, enable_grpc=False).start([model])


if __name__ == "__main__":
    main(sys.argv[1:])
