"""The gate before the registry: is a model fit to be a challenger at all?"""

from dataclasses import dataclass

import numpy as np

from matchday.models.evaluation import Evaluation

MOST_CALIBRATION_ERROR = 0.03
MOST_ACCURACY = 0.56
"""Nobody forecasts matches better over seasons: what is clearly beyond it leaks."""
LEAST_MATCHES = 200
BEATEN = ("base rate", "Elo, ordered logit")
"""Baselines whose RPS the model must beat on the same matches."""


@dataclass(frozen=True)
class GateVerdict:
    """passed, and a sentence for each finding that kept it from passing."""

    passed: bool
    reasons: tuple[str, ...]


def judge(evaluation: Evaluation) -> GateVerdict:
    """Hold the walk-forward scores against the limits of this module.

    Limits on few matches leave room for chance: two standard errors of an accuracy are about 1 / sqrt(matches), and
    the calibration error of a perfect forecast is about 0.4 / sqrt(matches).
    """
    own = evaluation.model.score()
    reasons = []
    if own.matches < LEAST_MATCHES:
        reasons.append(f"only {own.matches} matches were forecast, {LEAST_MATCHES} are needed")
    for name in BEATEN:
        other = evaluation.walks[name].score()
        if own.rps >= other.rps:
            reasons.append(f"RPS {own.rps:.4f} does not beat {name} ({other.rps:.4f})")
    chance = 1 / np.sqrt(own.matches)
    if own.calibration_error > (most := MOST_CALIBRATION_ERROR + 0.4 * chance):
        reasons.append(f"calibration error {own.calibration_error:.3f} is above {most:.3f}")
    if own.accuracy > MOST_ACCURACY + chance:
        reasons.append(f"accuracy {own.accuracy:.3f} is too good to be true: look for a leak")
    return GateVerdict(not reasons, tuple(reasons))
