"""match-outcome as its members are in Python: numpy, XGBoost and scikit-learn, no graph."""

import json
import os
from math import lgamma
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

FloatArray = npt.NDArray[np.float64]

GOALS = np.arange(11.0)
LOG_FACTORIAL = np.array([lgamma(k + 1) for k in range(11)])


class Outcome:
    """Home, draw and away probabilities: three members and the pool that makes them one."""

    def __init__(self) -> None:
        fitted = json.loads(Path(os.environ["BENCH_MEMBERS"]).read_text())
        signature = json.loads((Path(os.environ["BENCH_BUNDLE"]) / "signature.json").read_text())
        self.at = {ref["name"]: index for index, ref in enumerate(signature["features"])}
        self.trees = XGBClassifier(n_jobs=1)
        self.trees.load_model(bytearray(json.dumps(fitted["trees"]).encode()))
        self.logistic = _logistic(fitted)
        self.contrasts = np.array(fitted["contrasts"], np.float32)
        self.weights = fitted["pool"]["weights"]
        self.shift = np.array(fitted["pool"]["shift"])

    def predict(self, vectors: npt.NDArray[np.float32]) -> FloatArray:
        """Probabilities (n, 3) of feature vectors (n, k)."""
        goals = self._goals(vectors)
        trees = self.trees.predict_proba(vectors @ self.contrasts, base_margin=np.log(goals))
        gap = (vectors[:, self.at["home_elo"]] - vectors[:, self.at["away_elo"]]) / 100
        odds = np.log(goals[:, [0, 2]] / goals[:, [1]])
        logistic = self.logistic.predict_proba(np.column_stack([odds, gap]).astype(np.float32))
        logits = self.shift + sum(
            weight * np.log(member) for weight, member in zip(self.weights, (goals, trees, logistic), strict=True)
        )
        likelihood = np.exp(logits - logits.max(axis=1, keepdims=True))
        return likelihood / likelihood.sum(axis=1, keepdims=True)

    def _goals(self, vectors: npt.NDArray[np.float32]) -> FloatArray:
        """Dixon and Coles' goals model (1997): probabilities (n, 3) from ratings."""
        value = {name: vectors[:, at].astype(float) for name, at in self.at.items() if name in RATINGS}
        level = value["league_level"]
        home = np.exp(level + value["league_home_edge"] + value["home_attack"] - value["away_defence"])
        away = np.exp(level + value["away_attack"] - value["home_defence"])
        low = value["league_low_score"]
        joint = _poisson(home)[:, :, None] * _poisson(away)[:, None, :]
        joint[:, 0, 0] *= 1 - low * home * away
        joint[:, 0, 1] *= 1 + low * home
        joint[:, 1, 0] *= 1 + low * away
        joint[:, 1, 1] *= 1 - low
        draw = np.trace(joint, axis1=1, axis2=2)
        wins = np.tril(joint, -1).sum(axis=(1, 2))
        total = joint.sum(axis=(1, 2))
        return np.stack([wins, draw, total - wins - draw], axis=1) / total[:, None]


RATINGS = frozenset(
    ("league_level", "league_home_edge", "league_low_score", "home_attack", "home_defence", "away_attack")
) | {"away_defence"}


def _poisson(rate: FloatArray) -> FloatArray:
    """Probabilities (n, 11) of 0 to 10 goals at rates (n,)."""
    return np.exp(np.log(rate)[:, None] * GOALS - rate[:, None] - LOG_FACTORIAL)


def _logistic(fitted: dict[str, Any]) -> Pipeline:
    """The fitted pipeline from its coefficients: no pickle, and no bond to the version that fitted it."""
    scaler, logistic = StandardScaler(), LogisticRegression()
    scaler.mean_ = np.array(fitted["scaler"]["mean"])
    scaler.scale_ = np.array(fitted["scaler"]["scale"])
    scaler.n_features_in_ = len(scaler.mean_)
    logistic.coef_ = np.array(fitted["logistic"]["coef"])
    logistic.intercept_ = np.array(fitted["logistic"]["intercept"])
    logistic.classes_ = np.arange(len(logistic.intercept_))
    logistic.n_features_in_ = len(scaler.mean_)
    return make_pipeline(scaler, logistic)
