"""match-outcome as it is in Python: numpy and scipy, no graph."""

import json
import os
from math import lgamma
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

FloatArray = npt.NDArray[np.float64]

GOALS = np.arange(11.0)
LOG_FACTORIAL = np.array([lgamma(k + 1) for k in range(11)])


class Outcome:
    """Home, draw and away probabilities: a goals model whose outcomes are calibrated."""

    def __init__(self) -> None:
        self.learnt = json.loads(Path(os.environ["BENCH_PYTHON"]).read_text())
        signature = json.loads((Path(os.environ["BENCH_BUNDLE"]) / "signature.json").read_text())
        self.names = [ref["name"] for ref in signature["features"]]

    def predict(self, vectors: npt.NDArray[np.float32]) -> FloatArray:
        """Probabilities (n, 3) of feature vectors (n, k)."""
        raw = np.log(self._goals(vectors))
        return softmax(self.learnt["sharpness"] * raw + np.array([0.0, self.learnt["draw"], 0.0]), axis=1)

    def _goals(self, vectors: npt.NDArray[np.float32]) -> FloatArray:
        """Dixon and Coles' goals model (1997): probabilities (n, 3) from ratings."""
        value = dict(zip(self.names, vectors.astype(float).T, strict=True))
        level, low = value["league_level"], self.learnt["low_score"]
        home = np.exp(
            level
            + value["league_home_edge"]
            + value["home_attack"]
            - value["away_defence"]
            + self.learnt["scored"] * value["home_settled"]
            + self.learnt["conceded"] * value["away_settled"]
        )
        away = np.exp(
            level
            + value["away_attack"]
            - value["home_defence"]
            + self.learnt["scored"] * value["away_settled"]
            + self.learnt["conceded"] * value["home_settled"]
        )
        joint = _poisson(home)[:, :, None] * _poisson(away)[:, None, :]
        joint[:, 0, 0] *= 1 - low * home * away
        joint[:, 0, 1] *= 1 + low * home
        joint[:, 1, 0] *= 1 + low * away
        joint[:, 1, 1] *= 1 - low
        draw = np.trace(joint, axis1=1, axis2=2)
        wins = np.tril(joint, -1).sum(axis=(1, 2))
        total = joint.sum(axis=(1, 2))
        return np.stack([wins, draw, total - wins - draw], axis=1) / total[:, None]


def _poisson(rate: FloatArray) -> FloatArray:
    """Probabilities (n, 11) of 0 to 10 goals at rates (n,)."""
    return np.exp(np.log(rate)[:, None] * GOALS - rate[:, None] - LOG_FACTORIAL)
