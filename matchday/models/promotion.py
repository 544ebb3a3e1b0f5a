"""Should a challenger become champion? Decided on the matches that both have forecast."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from matchday.models.skill import paired

CLEARLY = 1.645
"""Standard errors by which a mean paired difference of RPS must lie beyond a limit: 5 % one-sided."""
MARGIN = 0.001
"""RPS that a fresher model may at most be worse: a sixth of what parts a goals model from the closing odds."""
LEAST_MATCHES = 100
"""Matches that both must have forecast before anything is said."""


@dataclass(frozen=True)
class Contender:
    """A version as promotion sees it.

    definitions: fingerprint of the code that made its features. forecasts: `match_id`, `result`, `H`, `D`, `A` of
    its walk-forward run.
    """

    version: str
    trained_until: datetime
    definitions: str
    forecasts: pd.DataFrame


@dataclass(frozen=True)
class Promotion:
    """The decision, its reason in a sentence, and the numbers behind it (NaN where nothing was compared)."""

    promoted: bool
    reason: str
    matches: int = 0
    difference: float = float("nan")
    standard_error: float = float("nan")


def decide(champion: Contender | None, challenger: Contender, as_of: datetime, *, rewind: bool = False) -> Promotion:
    """Promote what is clearly better, or fresher and clearly not worse by more than `MARGIN`.

    The test is on the mean paired difference of RPS (challenger minus champion) over the matches both forecast. What
    it cannot tell leaves the champion where it is. Two champions cannot stay: one whose features are defined
    otherwise by now, and, where `rewind` allows to go back in time, one that has learnt from after `as_of`.
    """
    if champion is None:
        return Promotion(True, "there is no champion yet")
    if champion.version == challenger.version:
        return Promotion(False, f"version {champion.version} is champion already")
    if champion.definitions != challenger.definitions:
        return Promotion(True, f"the features of champion {champion.version} are defined otherwise by now")
    if champion.trained_until > as_of:
        learnt = f"champion {champion.version} has learnt from after {as_of:%Y-%m-%d %H:%M}"
        return Promotion(rewind, learnt if rewind else f"{learnt}, and a shared registry does not go back in time")
    return _compare(champion, challenger)


def _compare(champion: Contender, challenger: Contender) -> Promotion:
    gaps = paired(challenger.forecasts, champion.forecasts)
    if len(gaps) < LEAST_MATCHES:
        return Promotion(False, f"inconclusive: {len(gaps)} of {LEAST_MATCHES} matches that both forecast", len(gaps))
    mean = float(gaps.mean())
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
    numbers = f"RPS {mean:+.5f} +- {error:.5f} over {len(gaps)} matches"
    fresher = challenger.trained_until > champion.trained_until
    if mean < -CLEARLY * error:
        return Promotion(True, f"clearly better: {numbers}", len(gaps), mean, error)
    if fresher and mean + CLEARLY * error < MARGIN:
        return Promotion(True, f"fresher and as good: {numbers}", len(gaps), mean, error)
    verdict = "worse" if mean > CLEARLY * error else "inconclusive"
    return Promotion(False, f"{verdict}: {numbers}", len(gaps), mean, error)
