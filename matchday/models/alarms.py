"""Alarms of a walk-forward evaluation: scores that nobody reaches before kick-off, so that a leak is likely.

The closing odds are the best forecast of a match that there is. A model without odds that beats them over seasons has
seen something that came later: half-time line-ups alone give .1956 where the closing odds have .1968.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from matchday.models.evaluation import Evaluation

MOST_ACCURACY = 0.56


@dataclass(frozen=True)
class Alarm:
    """first, last: the seasons that it judges. matches: how many they have. closing: RPS of the closing odds on them.

    It is silent unless both seasons, and as many matches as they and those between have, were forecast.
    """

    first: str
    last: str
    matches: int
    closing: float

    def listen(self, evaluation: Evaluation) -> list[str]:
        """What is too good of the model's forecasts of these seasons, in a sentence each."""
        own = evaluation.own
        seasons = {season for season in own.forecasts["season"] if self.first <= season <= self.last}
        walk = own.over(seasons)
        if len(walk.results) < self.matches or not {self.first, self.last} <= seasons:
            return []
        scores = evaluation.kind.scores(walk.numbers, walk.results)
        where = f"on {len(walk.results):,} matches of {self.first} to {self.last}: look for a leak"
        found = []
        if scores["rps"] < self.closing:
            found.append(f"RPS {scores['rps']:.4f} is below that of the closing odds ({self.closing:.4f}) {where}")
        if scores["accuracy"] > MOST_ACCURACY:
            found.append(f"accuracy {scores['accuracy']:.3f} is above {MOST_ACCURACY:.2f} {where}")
        return found


ALARMS: Mapping[str, tuple[Alarm, ...]] = {
    "match-outcome": (Alarm("1920", "2526", 2660, 0.1968), Alarm("2324", "2526", 1140, 0.1938)),
}
"""By the name of the model."""


def raise_alarms(evaluation: Evaluation) -> tuple[str, ...]:
    """Findings of all alarms of the model; none for a model without alarms."""
    return tuple(said for alarm in ALARMS.get(evaluation.kind.name, ()) for said in alarm.listen(evaluation))
