"""Description of `total-goals`."""

import numpy as np

from matchday.features.entities import TEAM
from matchday.features.services import TOTAL_GOALS_V1
from matchday.models.kind import GateRules, IntArray, ModelKind, ModelOutput, PairedScore, ScoreLimit
from matchday.scores.goals import goals_scores, poisson_deviance


def total_of(home_goals: IntArray, away_goals: IntArray) -> IntArray:
    """Goals of both teams together."""
    return np.asarray(home_goals + away_goals, np.int64)


GATE = GateRules(
    least_matches=200,
    beats=("mean of all matches", "mean of the last season"),
    limits=(
        # The standard deviation of goals is 0.6 of their mean: two standard errors are about 1.2 / sqrt(n).
        ScoreLimit("bias", "forecasts are too high or too low on average", least=0.95, most=1.05, chance=1.2),
        # Goals scatter like Poisson numbers, whose deviance is about 1 at best; one match's has a deviation of 1.4.
        ScoreLimit("deviance", "too good to be true: look for a leak", least=0.85, chance=2.8),
    ),
)

TOTAL_GOALS = ModelKind(
    name="total-goals",
    about="Mean number of goals of both teams together in a Premier League match.",
    inputs=(TEAM.named("home"), TEAM.named("away")),
    distinct=("home", "away"),
    feature_service="total_goals_v1",
    features=TOTAL_GOALS_V1,
    output=ModelOutput("goals"),
    result=total_of,
    score=PairedScore(
        name="deviance",
        title="deviance",
        about="mean Poisson deviance, lower is better",
        loss=poisson_deviance,
        margin=0.001,  # a twentieth of what parts the model from the mean of all matches
    ),
    scores=goals_scores,
    baselines=("mean of all matches", "mean of the last season", "goals model, not recalibrated"),
    gate=GATE,
    entry_point="matchday.models.total_goals.recipe:RECIPE",
)
