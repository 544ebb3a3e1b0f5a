"""Simple forecasts that `match-outcome` is shown beside, each learnt from what was known before kick-off.

Beside the shares of results so far: an ordered logit of the Elo gap, Dixon and Coles' model of goals alone, a
multinomial logistic regression and boosted trees on form and Elo, and the mean of three of them.
"""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from matchday.backtest import Forecaster, Walk
from matchday.features.services import FORM, MATCH_OUTCOME_V1
from matchday.features.strength import LeagueStrength
from matchday.features.team import team_tables
from matchday.features.vectors import assemble
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


def reference_columns(described: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """A row for each match, by match_id: Elo of both, gaps of form, and ratings from goals alone.

    described: matches as `with_xg_and_stand_in` gives them. teams: `Teams`.
    """
    vectors = _form_and_elo(described, teams)
    gaps = {f"gap_{name}": vectors[f"home_{name}"] - vectors[f"away_{name}"] for name in GAPS}
    elo = {f"{side}_elo": vectors[f"{side}_elo"] for side in ("home", "away")}
    found = pd.DataFrame({"match_id": vectors["match_id"], **elo, **gaps})
    start = LeagueStrength(StrengthState(decays=(0.003,), xg_share=0.0, stand_in_share=0.0))
    alone = rate_matches(described, teams, start)[["match_id", *NAMES]]
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


def _form_and_elo(described: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """Feature vectors of `match_outcome_v1`, each team's newest rows before kick-off."""
    rows = described.sort_values(["kickoff", "match_id"], ignore_index=True)
    form, ratings = team_tables(_fill_xg(rows), teams)[:2]
    moment = (rows["kickoff"] - timedelta(seconds=1)).astype("datetime64[us, UTC]")
    stored = pd.DataFrame(index=rows.index)
    for side in ("home", "away"):
        asked = pd.DataFrame({"event_time": moment, "team": rows[side]})
        for view, table in (("team_form", form), ("team_ratings", ratings)):
            known = table.drop(columns="season").sort_values("event_time")
            found = pd.merge_asof(asked, known, on="event_time", by="team").drop(columns=["event_time", "team"])
            stored = stored.join(found.add_prefix(f"{side}__{view}__"))
    return rows[["match_id"]].join(assemble(MATCH_OUTCOME_V1, stored, rows["kickoff"]))


def _fill_xg(described: pd.DataFrame) -> pd.DataFrame:
    """Expected goals, and what stands in for them where there are none."""
    filled = {f"{side}_xg": described[f"{side}_xg"].fillna(described[f"{side}_stand_in"]) for side in ("home", "away")}
    return described.assign(**filled)
