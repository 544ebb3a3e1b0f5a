"""Simple forecasts that `match-outcome` is shown beside, each learnt from what was known before kick-off.

Beside the shares of results so far: an ordered logit of the Elo gap, Dixon and Coles' model of goals alone, a
multinomial logistic regression and boosted trees on form and Elo, and the mean of three of them.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from matchday.backtest import Forecaster, Walk
from matchday.features.known import vectors_before_kickoff
from matchday.features.services import FORM, MATCH_OUTCOME_V1
from matchday.features.strength import LeagueStrength
from matchday.models.goal_rates import goal_rates
from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.baselines import base_rate, elo_ordered_logit
from matchday.models.match_outcome.rated import rate_matches
from matchday.models.match_outcome.settled_goals import LOW_SCORE, NAMES
from matchday.ratings.strength import StrengthState
from matchday.scores.outcome import CLASSES

FloatArray = NDArray[np.float64]

FIRST_LEARNT = "1516"
"""14/15 alone warms up ratings and form."""
GAPS = ("elo", *FORM, "rest_days")
"""What trees and logistic regression see, home minus away."""
GOALS_ALONE = "goals_alone_"
"""Prefix of the columns of ratings that know no expected goals."""

BASE_RATE, ELO, DIXON_COLES = "base rate", "Elo, ordered logit", "Dixon-Coles"
LOGISTIC, TREES, MEAN = "logistic regression", "XGBoost on form and Elo", "mean of Elo, Dixon-Coles, logistic"


def reference_columns(matches: pd.DataFrame, teams: pd.DataFrame, known: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row for each match, by match_id: Elo of both, gaps of form, and ratings from goals alone.

    matches: finished ones as `matchday.ratings.xg.with_xg` gives them. teams: `Teams`. known: feature tables by view.
    """
    vectors = vectors_before_kickoff(MATCH_OUTCOME_V1, matches, known)
    gaps = {f"gap_{name}": vectors[f"home_{name}"] - vectors[f"away_{name}"] for name in GAPS}
    elo = {f"{side}_elo": vectors[f"{side}_elo"] for side in ("home", "away")}
    found = pd.DataFrame({"match_id": matches["match_id"].to_numpy(), **elo, **gaps})
    start = LeagueStrength(StrengthState(decays=(0.003,), xg_share=0.0, stand_in_share=0.0))
    alone = rate_matches(matches, teams, start)[["match_id", *NAMES]]
    return found.merge(alone.rename(columns={name: GOALS_ALONE + name for name in NAMES}), on="match_id")


def forecasters() -> Mapping[str, Forecaster]:
    """By name, from rows with the columns above and `result`."""
    return {
        BASE_RATE: base_rate,
        TREES: boosted_trees,
        ELO: elo_ordered_logit,
        DIXON_COLES: dixon_coles,
        LOGISTIC: logistic,
    }


def dixon_coles(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Poisson rates from goals with time decay, and the low-score dependence. Dixon and Coles (1997)."""
    del past
    vectors = coming[[GOALS_ALONE + name for name in NAMES]].to_numpy(np.float32)
    return scoreline.outcome(*goal_rates(vectors, NAMES), np.full(len(vectors), LOW_SCORE))


def logistic(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Multinomial logistic regression on standardised gaps."""
    inputs, result = _learnt(past)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=2000))
    return np.asarray(model.fit(inputs, result).predict_proba(_gaps(coming)), float)


def boosted_trees(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Shallow boosted trees on the gaps."""
    trees = XGBClassifier(
        n_estimators=100,
        max_depth=3,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.8,
        random_state=7,
        objective="multi:softprob",
        tree_method="hist",
        n_jobs=1,
    )
    inputs, result = _learnt(past)
    return np.asarray(trees.fit(inputs, result).predict_proba(_gaps(coming)), float)


def mean_walk(walks: Mapping[str, Walk]) -> Walk:
    """The mean of Elo, Dixon-Coles and logistic regression, from their walks over the same matches."""
    parts = [walks[name] for name in (ELO, DIXON_COLES, LOGISTIC)]
    mean = pd.DataFrame(np.mean([part.numbers for part in parts], axis=0), columns=list(CLASSES))
    return Walk(parts[0].forecasts.assign(**mean), CLASSES)


def _learnt(past: pd.DataFrame) -> tuple[FloatArray, NDArray[np.int64]]:
    rows = past[past["season"] >= FIRST_LEARNT]
    return _gaps(rows), rows["result"].to_numpy(np.int64)


def _gaps(rows: pd.DataFrame) -> FloatArray:
    return rows[[f"gap_{name}" for name in GAPS]].to_numpy(float)
