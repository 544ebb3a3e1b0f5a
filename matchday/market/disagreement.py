"""Where model and market disagree, and who was right there."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from matchday.market.pairs import FloatArray, Pairs
from matchday.scores.outcome import ranked_probability

SHARE = 0.1
"""Of the matches: those with the largest disagreement, taken together."""


@dataclass(frozen=True)
class Disagreement:
    """One match. model, market: probabilities of home, draw, away. distance: see `distances`.

    score: what happened, "2-1". difference: RPS of the model minus that of the market; below 0 the model was right.
    """

    match_id: str
    kickoff: datetime
    model: tuple[float, ...]
    market: tuple[float, ...]
    distance: float
    score: str
    difference: float


@dataclass(frozen=True)
class LargestDisagreements:
    """matches: the largest, first. count: how many matches the `SHARE` with the largest disagreement are.

    mean: their mean difference of RPS. part: what they contribute to the mean over all matches.
    """

    matches: tuple[Disagreement, ...]
    count: int
    mean: float
    part: float


def distances(pairs: Pairs) -> FloatArray:
    """Half of the sum of absolute differences of the probabilities, (n,): 0 where they agree, 1 at most."""
    return np.asarray(np.abs(pairs.model - pairs.market).sum(axis=1) / 2)


def largest_disagreements(pairs: Pairs, count: int) -> LargestDisagreements:
    """The `count` matches with the largest disagreement, of equal ones the earlier first.

    pairs: of one match at least.
    """
    distance = distances(pairs)
    gaps = ranked_probability(pairs.model, pairs.result) - ranked_probability(pairs.market, pairs.result)
    order = np.argsort(-distance, kind="stable")
    tail = order[: max(1, round(SHARE * len(order)))]
    rows = pairs.matches.loc[order[:count]].to_dict("records")
    listed = tuple(
        Disagreement(
            row["match_id"],
            row["kickoff"].to_pydatetime(),
            tuple(map(float, pairs.model[at])),
            tuple(map(float, pairs.market[at])),
            float(distance[at]),
            f"{row['home_goals']}-{row['away_goals']}",
            float(gaps[at]),
        )
        for at, row in zip(order[:count], rows, strict=True)
    )
    return LargestDisagreements(listed, len(tail), float(gaps[tail].mean()), float(gaps[tail].sum() / len(gaps)))
