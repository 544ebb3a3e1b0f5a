"""Scores of probability forecasts of match results."""

from matchday.scores.outcome import (
    OutcomeScores,
    accuracy,
    brier,
    calibration_error,
    log_loss,
    ranked_probability,
    score,
)

__all__ = [
    "OutcomeScores",
    "accuracy",
    "brier",
    "calibration_error",
    "log_loss",
    "ranked_probability",
    "score",
]
