"""FastAPI: the usual hand-written service, its model in process."""

from typing import Annotated

from fastapi import FastAPI
from lookup import Lookup
from outcome import Outcome
from pydantic import AwareDatetime, BaseModel, Field

Team = Annotated[str, Field(pattern="^[A-Z]{3}$")]

app = FastAPI(title="match-outcome")
lookup, outcome = Lookup(), Outcome()


class Match(BaseModel):
    """What is asked."""

    home: Team
    away: Team
    kickoff: AwareDatetime


class Forecast(BaseModel):
    """What is answered: probabilities."""

    home: float
    draw: float
    away: float


@app.post("/predict")
async def predict(match: Match) -> Forecast:
    """The forecast of one match."""
    vectors = lookup.vectors([match.home], [match.away], [match.kickoff])
    home, draw, away = outcome.predict(vectors)[0].tolist()
    return Forecast(home=home, draw=draw, away=away)
