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

from matchday.backtest import Walk, walk_forward
from matchday.features.known import vectors_before_kickoff
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import team_tables
from matchday.models.evaluation import Evaluation
from matchday.models.match_outcome import reference
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.rated import played
from matchday.models.match_outcome.settled_goals import Parameters, SettledGoals, train, vectors_of
from matchday.ratings.xg import with_xg
from matchday.scores.calibration import calibration_slope, class_calibration_error
from matchday.scores.outcome import CLASSES, outcome_scores, ranked_probability
from matchday.scores.paired import PairedGap, paired_gap
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams, name

FloatArray = NDArray[np.float64]

KEYS = ["season", "kickoff", "result"]
SEASONS = ("1920", "2021", "2122", "2223", "2324", "2425", "2526")
"""Seasons that are reported."""
LATEST = ("2324", "2425", "2526")
"""Those of them that are also reported alone: the first two have many with expected goals before them."""
REFIT = timedelta(days=7)


@dataclass(frozen=True)
class OutcomeBacktest:
    """Walks of the model and of simple forecasters over the same matches.

    rows: of `feature_rows`. seasons: that were walked.
    """

    evaluation: Evaluation
    rows: pd.DataFrame
    seasons: tuple[str, ...] = SEASONS

    @property
    def latest(self) -> tuple[str, ...]:
        """The walked ones of `LATEST`."""
        return tuple(season for season in self.seasons if season in LATEST)

    def scores(self, name: str | None = None, seasons: Sequence[str] | None = None) -> dict[str, float]:
        """Mean scores of a forecaster (default: the model) over some seasons. The calibration error is by class."""
        found = self.walk(name).over(seasons or self.seasons)
        return {
            **outcome_scores(found.numbers, found.results),
            "calibration_error": class_calibration_error(found.numbers, found.results),
            "slope": calibration_slope(found.numbers, found.results),
        }

    def walk(self, name: str | None = None) -> Walk:
        """The walk of a forecaster, by default the model's."""
        return self.evaluation.walks[name or MATCH_OUTCOME.name]

    def gap(self, name: str, seasons: Sequence[str] | None = None) -> PairedGap:
        """RPS of the model less that of another forecaster, over some seasons."""
        own, other = (self.walk(one).over(seasons or self.seasons) for one in (None, name))
        losses = [ranked_probability(walk.numbers, walk.results) for walk in (own, other)]
        return paired_gap(losses[0], losses[1], weeks(own.forecasts))

    def last_model(self) -> SettledGoals:
        """The model that all matches up to now give."""
        return train(self.rows)


def backtest_outcome(
    snapshot: Snapshot, progress: Callable[[int, int], None] | None = None, seasons: tuple[str, ...] = SEASONS
) -> OutcomeBacktest:
    """Walk the model, refitted each week, and the simple forecasts over seasons of the bundled history.

    progress is called with (matches done, matches in all) of the model's own walk.
    """
    teams, matches = snapshot.load(Teams), load_matches(snapshot)
    known = {name(table): rows for table, rows in zip(TEAM_TABLES, team_tables(matches, teams), strict=True)}
    rows = feature_rows(matches, known)
    walks = {MATCH_OUTCOME.name: walk_model(rows, seasons, progress=progress)}
    references = reference.reference_columns(matches, teams, known).merge(rows[["match_id", *KEYS]], on="match_id")
    simple = {title: walk_forward(references, one, CLASSES, seasons) for title, one in reference.forecasters().items()}
    walks |= {**simple, reference.MEAN: reference.mean_walk(simple)}
    return OutcomeBacktest(Evaluation(MATCH_OUTCOME, walks), rows, seasons)


def load_matches(snapshot: Snapshot) -> pd.DataFrame:
    """All finished matches with expected goals, or what stands in for them, by kick-off."""
    matches = with_xg(snapshot.load(Matches), snapshot.load(Appearances))
    return matches.sort_values(["kickoff", "match_id"], ignore_index=True)


def feature_rows(matches: pd.DataFrame, known: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row for each match: keys, goals, result, and the features of `match-outcome` as known before kick-off."""
    return played(matches).join(vectors_before_kickoff(MATCH_OUTCOME.features, matches, known))


def walk_model(
    rows: pd.DataFrame,
    seasons: Sequence[str],
    parameters: Parameters | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Walk:
    """Forecasts of seasons, learnt again each week. rows: of `feature_rows`, or of `rate_matches`."""

    def forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        return train(past, parameters).predict(vectors_of(coming))

    return walk_forward(rows, forecast, CLASSES, seasons, REFIT, progress)


def weeks(forecasts: pd.DataFrame) -> NDArray[np.int64]:
    """A number for the week of each match, (n,)."""
    return np.asarray(forecasts["kickoff"].astype("datetime64[us, UTC]").astype(np.int64) // (7 * 86_400 * 10**6))
