"""Should a challenger become champion? Decided on the matches that both have forecast."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.scores import ranked_probability

CLEARLY = 1.645
"""Standard errors by which a mean paired difference must be below zero: 5 % one-sided."""
SAME = 1e-9
"""Mean absolute difference of RPS below which two models forecast the same."""


@dataclass(frozen=True)
class Contender:
    """A version as promotion sees it. forecasts: `match_id`, `result`, `H`, `D`, `A` of its walk-forward run."""

    version: str
    trained_until: datetime
    forecasts: pd.DataFrame


@dataclass(frozen=True)
class Promotion:
    """The decision, its reason in a sentence, and the numbers behind it (NaN where nothing was compared)."""

    promoted: bool
    reason: str
    matches: int = 0
    difference: float = float("nan")
    standard_error: float = float("nan")


def decide(champion: Contender | None, challenger: Contender, as_of: datetime) -> Promotion:
    """Promote when there is no champion for `as_of`, or the challenger is clearly better, or as good and fresher.

    The test is on the mean paired difference of RPS (challenger minus champion) over the matches both forecast;
    a difference that could be chance leaves the champion where it is.
    """
    if champion is None:
        return Promotion(True, "there is no champion yet")
    if champion.version == challenger.version:
        return Promotion(False, f"version {champion.version} is champion already")
    if champion.trained_until > as_of:
        return Promotion(True, f"champion {champion.version} has learnt from after {as_of:%Y-%m-%d %H:%M}")
    gaps = _paired(champion, challenger)
    if len(gaps) < 2:
        return Promotion(False, "no matches that both have forecast: inconclusive", len(gaps))
    mean = float(gaps.mean())
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
    if np.abs(gaps).mean() < SAME:
        fresher = challenger.trained_until > champion.trained_until
        why = "the same forecasts" + (", trained on later matches" if fresher else " and no later matches")
        return Promotion(fresher, why, len(gaps), mean, error)
    numbers = f"RPS {mean:+.5f} +- {error:.5f} over {len(gaps)} matches"
    if mean < -CLEARLY * error:
        return Promotion(True, f"clearly better: {numbers}", len(gaps), mean, error)
    if mean > CLEARLY * error:
        return Promotion(False, f"worse: {numbers}", len(gaps), mean, error)
    return Promotion(False, f"inconclusive: {numbers}", len(gaps), mean, error)


def _paired(champion: Contender, challenger: Contender) -> NDArray[np.float64]:
    both = challenger.forecasts.merge(champion.forecasts, on="match_id", suffixes=("", "_champion"))
    result = both["result"].to_numpy(np.int64)
    own = ranked_probability(both[["H", "D", "A"]].to_numpy(float), result)
    other = ranked_probability(both[["H_champion", "D_champion", "A_champion"]].to_numpy(float), result)
    return own - other
