"""A gameweek forecast by a running server, beside the results."""

from dataclasses import dataclass
from datetime import datetime

from console.operations import forecasts
from console.operations.forecasts import MatchQuestion
from matchday.calendar import Gameweek
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tables import Matches

MODEL = "match-outcome"


@dataclass(frozen=True)
class ForecastMatch:
    """A match with its probabilities of home, draw and away, and its result."""

    home: str
    away: str
    kickoff: datetime
    probabilities: tuple[float, ...]
    home_goals: int
    away_goals: int

    @property
    def favourite(self) -> int:
        """The most probable outcome: 0 home, 1 draw, 2 away."""
        return max(range(3), key=self.probabilities.__getitem__)

    @property
    def outcome(self) -> int:
        """What happened: 0 home, 1 draw, 2 away."""
        gap = self.home_goals - self.away_goals
        return 0 if gap > 0 else 1 if gap == 0 else 2

    @property
    def hit(self) -> bool:
        """Whether the favourite came in."""
        return self.favourite == self.outcome


@dataclass(frozen=True)
class GameweekForecast:
    """The matches of a gameweek, and the version of the model that forecast them. outcomes: home, draw, away."""

    outcomes: tuple[str, ...]
    matches: tuple[ForecastMatch, ...]
    model_version: str


def questions_of(gameweek: Gameweek) -> list[MatchQuestion]:
    """What a server is asked about each match of a gameweek."""
    matches = gameweek.fixtures.to_dict("records")
    return [MatchQuestion(match["home"], match["away"], match["kickoff"].isoformat()) for match in matches]


def forecast_gameweek(gameweek: Gameweek, url: str) -> GameweekForecast:
    """Ask a server for all matches of a gameweek, and put the results beside. Raises ForecastError."""
    answer = forecasts.ask(url, MODEL, questions_of(gameweek))
    results = Snapshot(Settings().snapshot).load(Matches).set_index("match_id")[["home_goals", "away_goals"]]
    matches = [
        ForecastMatch(
            match["home"], match["away"], match["kickoff"], chances, *map(int, results.loc[match["match_id"]])
        )
        for match, chances in zip(gameweek.fixtures.to_dict("records"), answer.rows, strict=True)
    ]
    return GameweekForecast(answer.columns, tuple(matches), str(answer.parameters.get("model_version")))
