"""Forecasts of a season by a model and by a candidate."""

import numpy as np

from rollout.judge import Entities, FloatArray, Pairs

APART, TEAMS = 0.02, 20


def retrained(rng: np.random.Generator, rows: int) -> Pairs:
    """A model and the same trained again: probabilities about `APART` from each other. Rows are pairings of teams."""
    logits = rng.normal((0.4, 0.0, 0.1), 0.5, (rows, 3))
    teams = [(f"team {index % TEAMS}", f"team {(index + 1 + index // TEAMS) % TEAMS}") for index in range(rows)]
    return Pairs(_softmax(logits), _softmax(logits + rng.normal(0, 3 * APART, (rows, 3))), Entities.of_rows(teams))


def swap_one_team(rng: np.random.Generator, rows: int) -> Pairs:
    """The same, but for the matches of one team of twenty: home and away are swapped."""
    pairs = retrained(rng, rows)
    canary = pairs.canary.copy()
    swapped = pairs.entities.rows(0)
    canary[swapped] = canary[swapped][:, ::-1]
    return Pairs(pairs.stable, canary, pairs.entities)


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
