"""Promotion rule: should a challenger become champion? Decided on the matches that both have forecast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from matchday.models.kind import FloatArray, ModelKind
from matchday.models.skill import match_differences

CLEARLY = 1.645
"""Standard errors by which a mean paired difference must lie beyond a limit: 5 % one-sided."""
LEAST_MATCHES = 100
"""Matches that both must have forecast before anything is decided."""


@dataclass(frozen=True)
class Contender:
    """A version as promotion sees it.

    feature_service: the one that it was trained with. feature_values: fingerprints of its features' values by feature,
    empty for a version that was registered without. forecasts: the keys of the model's subject, `result` and the
    columns of its output, of its walk-forward run; made with its own features.
    """

    version: str
    trained_until: datetime
    forecasts: pd.DataFrame
    feature_service: str
    feature_values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PromotionDecision:
    """The decision, its reason in a sentence, and the numbers behind it (NaN where nothing was compared)."""

    promoted: bool
    reason: str
    matches: int = 0
    difference: float = float("nan")
    standard_error: float = float("nan")


def decide(
    kind: ModelKind, champion: Contender | None, challenger: Contender, as_of: datetime, *, rewind: bool = False
) -> PromotionDecision:
    """Promote what is clearly better, or clearly not worse by more than the score's margin and a reason to change.

    Reasons to change to an equally good version: it is fresher, or its features have the values of now, which is what
    it will be served with. The test is on the mean paired difference of losses (challenger minus champion) over the
    matches both forecast, each with its own features. Too few matches, and differences that may be chance, leave the
    champion where it is. Without comparison goes only a champion that has learnt from after `as_of`, where `rewind`
    allows to go back in time.
    """
    if champion is None:
        return PromotionDecision(True, "there is no champion yet")
    if champion.version == challenger.version:
        return PromotionDecision(False, f"version {champion.version} is champion already")
    if champion.trained_until > as_of:
        learnt = f"champion {champion.version} has learnt from after {as_of:%Y-%m-%d %H:%M}"
        return PromotionDecision(
            rewind, learnt if rewind else f"{learnt}, and a shared registry does not go back in time"
        )
    return _compare(kind, champion, challenger)


def changed_features(champion: Contender, challenger: Contender) -> str:
    """How the features of two versions differ, for people; empty when they do not."""
    if champion.feature_service != challenger.feature_service:
        return f"champion {champion.version} reads {champion.feature_service}, not {challenger.feature_service}"
    return changed_values(champion.version, champion.feature_values, challenger.feature_values)


def changed_values(version: str, own: Mapping[str, str], now: Mapping[str, str]) -> str:
    """How the features' values of champion `version` differ from those of now, for people; empty when they do not."""
    if not own:
        return f"champion {version} does not say which values its features have"
    changed = sorted(name for name in {*own, *now} if own.get(name) != now.get(name))
    if not changed:
        return ""
    shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
    return f"champion {version} was trained on other values of {shown}"


def _compare(kind: ModelKind, champion: Contender, challenger: Contender) -> PromotionDecision:
    gaps = match_differences(kind, challenger.forecasts, champion.forecasts)
    changed = changed_features(champion, challenger)
    if len(gaps) < LEAST_MATCHES:
        short = f"inconclusive: {len(gaps)} of {LEAST_MATCHES} matches that both forecast"
        return PromotionDecision(False, _with(short, changed), len(gaps))
    mean, error = float(gaps.mean()), _standard_error(gaps)
    numbers = f"{kind.score.title} {mean:+.5f} +- {error:.5f} over {len(gaps)} matches"
    promoted, verdict = _verdict(
        kind.score.margin, mean, error, challenger.trained_until > champion.trained_until, changed
    )
    return PromotionDecision(promoted, _with(f"{verdict}: {numbers}", changed), len(gaps), mean, error)


def _verdict(margin: float, mean: float, error: float, fresher: bool, changed: str) -> tuple[bool, str]:
    if mean < -CLEARLY * error:
        return True, "clearly better"
    as_good = mean + CLEARLY * error < margin
    if fresher and as_good:
        return True, "fresher and as good"
    if changed and as_good:
        return True, "as good, with the features of now"
    return False, "worse" if mean > CLEARLY * error else "inconclusive"


def _standard_error(gaps: FloatArray) -> float:
    return float(gaps.std(ddof=1) / np.sqrt(len(gaps)))


def _with(reason: str, changed: str) -> str:
    return f"{reason}; {changed}" if changed else reason
