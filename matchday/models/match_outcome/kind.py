"""Description of `match-outcome`."""

import numpy as np

from matchday.features.entities import TEAM
from matchday.features.services import MATCH_OUTCOME_V2
from matchday.models.kind import GateRules, IntArray, ModelKind, ModelOutput, PairedScore, ScoreLimit
from matchday.scores.outcome import CLASSES, outcome_scores, ranked_probability
from matchday.signature import FurtherOutput


def outcome_of(home_goals: IntArray, away_goals: IntArray) -> IntArray:
    """0 for a home win, 1 for a draw, 2 for an away win: the place of what happened in `CLASSES`."""
    return np.asarray(1 - np.sign(home_goals - away_goals), np.int64)


GATE = GateRules(
    least_matches=200,
    beats=("base rate", "Elo, ordered logit"),
    limits=(
        # A perfect forecast of n matches has a calibration error of about 0.4 / sqrt(n).
        ScoreLimit("calibration_error", "probabilities differ from frequencies", most=0.03, chance=0.4),
        # Nobody forecasts matches better over seasons. Two standard errors of an accuracy are about 1 / sqrt(n).
        ScoreLimit("accuracy", "too good to be true: look for a leak", most=0.56, chance=1.0),
    ),
)

MATCH_OUTCOME = ModelKind(
    name="match-outcome",
    about="Probabilities of home win, draw and away win of a Premier League match.",
    inputs=(TEAM.named("home"), TEAM.named("away")),
    distinct=("home", "away"),
    feature_service="match_outcome_v2",
    features=MATCH_OUTCOME_V2,
    output=ModelOutput("probabilities", CLASSES, labels=("home", "draw", "away")),
    further=(
        FurtherOutput("score_grid", (11, 11), "Probabilities of 0 to 10 home goals by 0 to 10 away goals."),
        FurtherOutput("over", (6,), "Probabilities of more than 0.5, 1.5, 2.5, 3.5, 4.5 and 5.5 goals of both teams."),
        FurtherOutput("both_score", (), "Probability that both teams score."),
        FurtherOutput("clean_sheets", (2,), "Probabilities that the home team, and the away team, concede no goal."),
    ),
    result=outcome_of,
    score=PairedScore(
        name="rps",
        title="RPS",
        about="ranked probability score divided by two, lower is better",
        loss=ranked_probability,
        margin=0.001,  # a sixth of what parts a goals model from the closing odds
        largest=1.0,
    ),
    scores=outcome_scores,
    baselines=("base rate", "Elo, ordered logit", "goals model alone"),
    gate=GATE,
    entry_point="matchday.models.match_outcome.recipe:RECIPE",
)
