"""Recorded forecasts beside the results."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from matchday.forecasts.record import RecordedForecast
from matchday.lake.reader import LakeReader
from matchday.scores.outcome import ranked_probability


@dataclass(frozen=True)
class ScoredForecast:
    """A recorded forecast and what happened. goals: home, away; None while there is no result. rps: None then too."""

    row: RecordedForecast
    goals: tuple[int, int] | None
    rps: float | None

    @property
    def hit(self) -> bool:
        """Whether the most probable outcome happened."""
        chances = self.row.forecast.probabilities
        return self.goals is not None and max(range(3), key=chances.__getitem__) == outcome_of(self.goals)


def score_recorded(rows: Sequence[RecordedForecast], lake: LakeReader) -> list[ScoredForecast]:
    """Each recorded forecast with the result that stands in the lake, in the order given."""
    results = read_results(lake, {row.forecast.match.season for row in rows})
    return [_score(row, results.get(row.forecast.match.match_id)) for row in rows]


def read_results(lake: LakeReader, seasons: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Goals of home and away of each match of some seasons that has a result."""
    columns = ["match_id", "home_goals", "away_goals"]
    return {
        str(row["match_id"]): (int(row["home_goals"]), int(row["away_goals"]))
        for row in lake.rows("matches", seasons, columns)
    }


def outcome_of(goals: tuple[int, int]) -> int:
    """0 for a home win, 1 for a draw, 2 for an away win."""
    return 1 - (goals[0] > goals[1]) + (goals[0] < goals[1])


def mean_rps(scored: Iterable[ScoredForecast]) -> float | None:
    """The mean ranked probability score of the forecasts that have a result; None without any."""
    known = [one.rps for one in scored if one.rps is not None]
    return sum(known) / len(known) if known else None


def _score(row: RecordedForecast, goals: tuple[int, int] | None) -> ScoredForecast:
    if goals is None:
        return ScoredForecast(row, None, None)
    rps = ranked_probability(np.array([row.forecast.probabilities]), np.array([outcome_of(goals)]))
    return ScoredForecast(row, goals, float(rps[0]))
