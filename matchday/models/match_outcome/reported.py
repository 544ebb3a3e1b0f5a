"""The backtest of `match-outcome` that is reported: seven seasons, refitted each week, beside simple forecasts.

No choice looks at a season that is reported: docs/decisions/0029-nothing-is-chosen-on-what-is-reported.md. The command
`matchday backtest outcome`, its model card and `make bench-models` all print what this gives.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.backtest import Forecaster, Walk, walk_forward
from matchday.features.strength import with_xg_and_stand_in
from matchday.models.evaluation import Evaluation
from matchday.models.match_outcome import reference, settled_goals
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.rated import GOALS, rate_matches, vectors
from matchday.models.match_outcome.settled_goals import SettledGoals
from matchday.scores.calibration import calibration_slope, class_calibration_error
from matchday.scores.outcome import CLASSES, outcome_scores, ranked_probability
from matchday.scores.paired import PairedGap, paired_gap
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams

FloatArray = NDArray[np.float64]

FIRST_LEARNT = "1516"
"""14/15 alone warms up the ratings."""
SEASONS = ("1920", "2021", "2122", "2223", "2324", "2425", "2526")
"""Seasons that are reported."""
LATEST = ("2324", "2425", "2526")
"""Those of them that are also reported alone: the first two have many with expected goals before them."""
REFIT = timedelta(days=7)


@dataclass(frozen=True)
class OutcomeBacktest:
    """Walks of the model and of simple forecasters over the same matches."""

    evaluation: Evaluation
    rows: pd.DataFrame
    """Every match with what was known before it, as `rate_matches` gives it."""

    def scores(self, name: str | None = None, seasons: Sequence[str] = SEASONS) -> dict[str, float]:
        """Mean scores of a forecaster (default: the model) over some seasons. The calibration error is by class."""
        found = over(self.walk(name), seasons)
        return {
            **outcome_scores(found.numbers, found.results),
            "calibration_error": class_calibration_error(found.numbers, found.results),
            "slope": calibration_slope(found.numbers, found.results),
        }

    def walk(self, name: str | None = None) -> Walk:
        """The walk of a forecaster, by default the model's."""
        return self.evaluation.walks[name or MATCH_OUTCOME.name]

    def gap(self, name: str, seasons: Sequence[str] = SEASONS) -> PairedGap:
        """RPS of the model less that of another forecaster, over some seasons."""
        own, other = (over(self.walk(one), seasons) for one in (None, name))
        losses = [ranked_probability(walk.numbers, walk.results) for walk in (own, other)]
        return paired_gap(losses[0], losses[1], weeks(own.forecasts))

    def last_model(self) -> SettledGoals:
        """The model that all matches up to now give."""
        return fit(self.rows)


def backtest_outcome(snapshot: Snapshot, progress: Callable[[int, int], None] | None = None) -> OutcomeBacktest:
    """Walk the model, refitted each week, and the simple forecasts over `SEASONS` of the bundled history.

    progress is called with (matches done, matches in all) of the model's own walk.
    """
    teams = snapshot.load(Teams)
    described = describe(snapshot)
    rows = rate_matches(described, teams)
    walks = {MATCH_OUTCOME.name: walk_model(rows, SEASONS, progress=progress), **_references(described, teams, rows)}
    return OutcomeBacktest(Evaluation(MATCH_OUTCOME, walks), rows)


def describe(snapshot: Snapshot) -> pd.DataFrame:
    """All finished matches with expected goals and what stands in for them."""
    return with_xg_and_stand_in(snapshot.load(Matches), snapshot.load(Appearances))


def walk_model(
    rows: pd.DataFrame,
    seasons: Sequence[str],
    learn: Callable[[pd.DataFrame], SettledGoals] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Walk:
    """Forecasts of seasons, refitted each week. rows: of `rate_matches`. learn: by default `fit`."""
    goals = rows.set_index("match_id")[GOALS]

    def forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        return (learn or fit)(past.join(goals, on="match_id")).predict(vectors(coming))

    return walk_forward(rows.drop(columns=GOALS), forecast, CLASSES, seasons, REFIT, progress)


def fit(past: pd.DataFrame) -> SettledGoals:
    """The model that rows of matches that are over give."""
    learnt = past[past["season"] >= FIRST_LEARNT]
    return settled_goals.fit(vectors(learnt), learnt[GOALS].to_numpy(np.int64))


def over(walk: Walk, seasons: Sequence[str]) -> Walk:
    """The forecasts of some seasons."""
    return Walk(walk.forecasts[walk.forecasts["season"].isin(seasons)], walk.columns)


def weeks(forecasts: pd.DataFrame) -> NDArray[np.int64]:
    """A number for the week of each match, (n,)."""
    return np.asarray(forecasts["kickoff"].astype("datetime64[us, UTC]").astype(np.int64) // (7 * 86_400 * 10**6))


def _references(described: pd.DataFrame, teams: pd.DataFrame, rows: pd.DataFrame) -> Mapping[str, Walk]:
    known = rows[["match_id", "season", "kickoff", "result"]]
    table = known.merge(reference.reference_columns(described, teams), on="match_id", validate="one_to_one")
    named: Mapping[str, Forecaster] = reference.forecasters()
    walks = {name: walk_forward(table, forecast, CLASSES, SEASONS) for name, forecast in named.items()}
    return {**walks, reference.MEAN: reference.mean_walk(walks)}
