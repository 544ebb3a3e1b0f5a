"""BentoML: a service for match-outcome."""

from datetime import datetime

import bentoml
from graph import Graph
from lookup import Lookup


@bentoml.service(name="match_outcome", workers=1, logging={"access": {"enabled": False}})
class MatchOutcome:
    """One worker; metrics stay on, as they are by default."""

    def __init__(self) -> None:
        self.lookup, self.graph = Lookup(), Graph()

    @bentoml.api
    async def predict(self, home: list[str], away: list[str], kickoff: list[datetime]) -> list[list[float]]:
        """Probabilities (n, 3) of the matches asked for."""
        return self.graph.predict(self.lookup.vectors(home, away, kickoff)).tolist()
