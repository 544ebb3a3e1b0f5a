"""Description of `player-points`."""

import numpy as np

from matchday.features.services import PLAYER_POINTS as SERVICE
from matchday.models.kind import (
    GateRules,
    IntArray,
    ModelKind,
    ModelOutput,
    PairedScore,
    ReplayRows,
    ScoreLimit,
    Subject,
)
from matchday.scores.points import points_scores, squared_error
from matchday.signature import FurtherOutput, NumberInput

LEVELS = (0.1, 0.5, 0.9)
"""Of the quantiles that are forecast."""


def points_of(points: IntArray) -> IntArray:
    """What a player scored."""
    return np.asarray(points, np.int64)


GATE = GateRules(
    least_matches=5000,
    beats=("last five", "season average"),
    limits=(
        # A squared error has a deviation of about 15: two standard errors of the root are 8 / sqrt(n).
        ScoreLimit("rmse", "too good to be true: look for a leak", least=1.7, chance=8.0),
        # Points of a row have a deviation of 2.3.
        ScoreLimit("bias", "forecasts are too high or too low on average", least=-0.08, most=0.08, chance=4.6),
    ),
)

PLAYER_POINTS = ModelKind(
    name="player-points",
    about="Mean fantasy points of a player in a Premier League match, with chances of minutes and quantiles.",
    inputs=SERVICE.inputs,
    distinct=("team", "opponent"),
    feature_service=SERVICE.name,
    features=SERVICE.features,
    numbers=(NumberInput("home", 0.0, 1.0, "1 when the player's club is at home, 0 when it is away"),),
    output=ModelOutput("points"),
    further=(
        FurtherOutput("quantiles", (3,), "Points that are reached or stayed below with 10, 50 and 90 percent"),
        FurtherOutput("minutes", (3,), "Probabilities of 0, of 1 to 59 and of 60 minutes or more"),
    ),
    subject=Subject.APPEARANCE,
    result_of=("points",),
    result=points_of,
    score=PairedScore(
        name="squared_error",
        title="squared error",
        about="mean squared error of points, lower is better",
        loss=squared_error,
        margin=0.01,  # a third of what availability flags gain
    ),
    scores=points_scores,
    baselines=("last five", "season average"),
    gate=GATE,
    replay=ReplayRows.PLAYERS,
    entry_point="matchday.models.player_points.recipe:RECIPE",
)
