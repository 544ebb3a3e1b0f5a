"""MLServer: a custom runtime for match-outcome."""

from datetime import datetime

from graph import Graph
from lookup import Lookup
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class MatchOutcome(MLModel):
    """V2 requests in entity mode."""

    async def load(self) -> bool:
        """Open the feature store and the graph."""
        self.lookup, self.graph = Lookup(), Graph()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Probabilities (n, 3) of the matches asked for."""
        inputs = {each.name: StringCodec.decode_input(each) for each in payload.inputs}
        kickoff = [datetime.fromisoformat(text) for text in inputs["kickoff"]]
        forecast = self.graph.predict(self.lookup.vectors(inputs["home"], inputs["away"], kickoff))
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[NumpyCodec.encode_output("probabilities", forecast)],
        )
