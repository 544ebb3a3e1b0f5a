"""Stacking: home, draw and away probabilities of a match, pooled from three members.

Three members forecast each match: the goals model (ratings to scorelines), gradient-boosted trees that correct it,
and a multinomial logistic regression on its log-odds and the Elo gap. A pool combines them into one calibrated
forecast; it is fitted on forecasts of seasons that the members had not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from matchday.backtest import Forecaster
from matchday.features.services import FORM, MATCH_OUTCOME_V1, TEAM_RATINGS
from matchday.models.goal_rates import goal_rates
from matchday.models.match_outcome import scoreline
from matchday.models.match_outcome.baselines import elo_gap
from matchday.models.match_outcome.candidates.pool import Pool, fit_pool

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

NAMES = tuple(feature.name for feature in MATCH_OUTCOME_V1)
"""Columns of a feature vector, in order: those of the feature service `match_outcome_v1`."""
POSITION = {name: position for position, name in enumerate(NAMES)}
"""Column of each feature in a feature vector."""

MEMBERS = ("goals", "trees", "logistic")
GAPS = (*TEAM_RATINGS, *FORM, "rest_days")
"""Features that trees see as home minus away."""
TOTALS = ("attack", "defence")
"""Features that trees also see as home plus away: what makes draws likely."""


@dataclass(frozen=True)
class Parameters:
    """Hyperparameters of the members.

    regularisation: inverse penalty C of the logistic member. first_season: seasons before it only warm up ratings.
    first_held_out: the first season whose forecasts fit the pool; the members learn from those before.
    """

    trees: int = 80
    depth: int = 2
    learning_rate: float = 0.03
    leaf_penalty: float = 300.0
    leaf_weight: float = 80.0
    row_share: float = 0.7
    column_share: float = 0.5
    regularisation: float = 0.03
    first_season: str = "1617"
    first_held_out: str = "1819"
    seed: int = 7


@dataclass(frozen=True)
class Members:
    """The fitted members; the goals member is all in the ratings and needs no fit."""

    trees: XGBClassifier
    logistic: Pipeline

    def forecast(self, vectors: Float32Array) -> list[FloatArray]:
        """Probabilities (n, 3) of each of `MEMBERS` for feature vectors (n, k)."""
        goals = goals_forecast(vectors)
        trees = self.trees.predict_proba(trees_input(vectors), base_margin=np.log(goals))
        logistic = self.logistic.predict_proba(logistic_input(vectors, goals))
        return [goals, np.asarray(trees, float), np.asarray(logistic, float)]


@dataclass(frozen=True)
class OutcomeModel:
    """Fitted members and their pool."""

    members: Members
    pool: Pool
    parameters: Parameters = field(default_factory=Parameters)

    def predict(self, vectors: Float32Array) -> FloatArray:
        """Probabilities (n, 3) of home, draw, away for feature vectors (n, k) in the order of `NAMES`."""
        return self.pool.combine(self.members.forecast(vectors))


def vectors_of(features: pd.DataFrame) -> Float32Array:
    """Feature vectors (n, k), as a server sees them, of rows with `NAMES`."""
    return features[list(NAMES)].to_numpy(np.float32)


def goals_forecast(vectors: Float32Array) -> FloatArray:
    """The goals member: probabilities (n, 3) from ratings alone."""
    return scoreline.outcome(*goal_rates(vectors, NAMES), vectors[:, POSITION["league_low_score"]].astype(float))


def contrasts() -> Float32Array:
    """Matrix (k, m) from feature vectors to what trees see: `GAPS`, then `TOTALS`."""
    matrix = np.zeros((len(NAMES), len(GAPS) + len(TOTALS)), np.float32)
    for column, name in enumerate((*GAPS, *TOTALS)):
        matrix[POSITION[f"home_{name}"], column] = 1.0
        matrix[POSITION[f"away_{name}"], column] = -1.0 if column < len(GAPS) else 1.0
    return matrix


def trees_input(vectors: Float32Array) -> Float32Array:
    """What trees see (n, m); each entry is one float32 sum, so that no split depends on rounding."""
    return vectors @ contrasts()


def logistic_input(vectors: Float32Array, goals: FloatArray) -> Float32Array:
    """What the logistic member sees (n, 3): log-odds of home and away against the draw, and the Elo gap."""
    gap = elo_gap(vectors[:, POSITION["home_elo"]], vectors[:, POSITION["away_elo"]])
    odds = np.log(goals[:, [0, 2]] / goals[:, [1]])
    return np.column_stack([odds, gap]).astype(np.float32)


def correct_by_trees(
    inputs: Float32Array, result: IntArray, margins: FloatArray, parameters: Parameters
) -> XGBClassifier:
    """Shallow, strongly penalised trees on inputs (n, m), on top of log probabilities (n, 3)."""
    trees = XGBClassifier(
        n_estimators=parameters.trees,
        max_depth=parameters.depth,
        learning_rate=parameters.learning_rate,
        reg_lambda=parameters.leaf_penalty,
        min_child_weight=parameters.leaf_weight,
        subsample=parameters.row_share,
        colsample_bytree=parameters.column_share,
        random_state=parameters.seed,
        objective="multi:softprob",
        base_score=0.5,
        tree_method="hist",
        n_jobs=1,
    )
    return trees.fit(inputs, result, base_margin=margins)


def fit_logistic(vectors: Float32Array, result: IntArray, parameters: Parameters) -> Pipeline:
    """Multinomial logistic regression on standardised inputs."""
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=parameters.regularisation, max_iter=2000))
    return logistic.fit(logistic_input(vectors, goals_forecast(vectors)), result)


def fit_members(rows: pd.DataFrame, parameters: Parameters) -> Members:
    """Fit the members on rows with `NAMES` and results."""
    vectors, result = vectors_of(rows), rows["result"].to_numpy(np.int64)
    margins = np.log(goals_forecast(vectors))
    trees = correct_by_trees(trees_input(vectors), result, margins, parameters)
    return Members(trees, fit_logistic(vectors, result, parameters))


def held_out_forecasts(features: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Each member's forecast of every season from `first_held_out` on, learnt from the seasons before it alone.

    Returns columns `match_id` and `{member}_{class}`. A row depends on nothing but earlier seasons and the match's
    own features, so rows may be cut at any later time.
    """
    parts = []
    for season in sorted(features.loc[features["season"] >= parameters.first_held_out, "season"].unique()):
        past = features[(features["season"] >= parameters.first_season) & (features["season"] < season)]
        if past["result"].nunique() < 3:
            continue
        rows = features[features["season"] == season]
        parts.append(_member_table(rows["match_id"], fit_members(past, parameters).forecast(vectors_of(rows))))
    return pd.concat(parts, ignore_index=True) if parts else _member_table(pd.Series([], dtype=str), [])


def train(
    features: pd.DataFrame, parameters: Parameters | None = None, held_out: pd.DataFrame | None = None
) -> OutcomeModel:
    """Fit members and pool on rows with `NAMES` and results.

    held_out: `held_out_forecasts` of these rows or of more, computed here where not given.
    Raises ValueError when the rows hold fewer than three kinds of result.
    """
    parameters = parameters or Parameters()
    rows = features[features["season"] >= parameters.first_season]
    if rows["result"].nunique() < 3:
        raise ValueError(f"training needs home wins, draws and away wins from season {parameters.first_season} on")
    table = held_out_forecasts(features, parameters) if held_out is None else held_out
    seen = table.merge(rows[["match_id", "result"]], on="match_id", validate="one_to_one")
    members = [seen[[f"{member}_{label}" for label in "HDA"]].to_numpy(float) for member in MEMBERS]
    pool = fit_pool(members, seen["result"].to_numpy(np.int64))
    return OutcomeModel(fit_members(rows, parameters), pool, parameters)


def forecasters(features: pd.DataFrame, parameters: Parameters | None = None) -> Mapping[str, Forecaster]:
    """The pool and each of its members alone, by name, to be walked over rows with `NAMES`, results and goals.

    Members forecast held-out seasons once, not at every refit.
    """
    given = parameters or Parameters()
    held_out = held_out_forecasts(features, given)

    def pooled(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        known = held_out[held_out["match_id"].isin(past["match_id"])]
        return train(past, given, known).predict(vectors_of(coming))

    def alone(member: int, past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        rows = past[past["season"] >= given.first_season]
        return fit_members(rows, given).forecast(vectors_of(coming))[member]

    return {"pool": pooled, **{name: partial(alone, place) for place, name in enumerate(MEMBERS)}}


def _member_table(match_id: pd.Series, members: list[FloatArray]) -> pd.DataFrame:
    columns = [f"{member}_{label}" for member in MEMBERS for label in "HDA"]
    values = np.column_stack(members) if members else np.empty((0, len(columns)))
    return pd.DataFrame(values, columns=columns).assign(match_id=match_id.to_numpy())
