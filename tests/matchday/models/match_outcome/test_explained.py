"""What the model server's explanations make of the model: they name the features that a forecast is made of."""

import numpy as np
import onnxruntime
import pytest

from matchday.features.labels import label
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.settled_goals import NAMES, SettledGoals
from matchday.models.packaging import describe
from serving.explain import Explainer
from serving.model import Model

MODEL = SettledGoals(scored=-0.05, conceded=0.16, sharpness=1.08, draw=-0.03)


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    """Over a background of teams that all play for something, in a league that is one."""
    background = np.random.default_rng(1).normal(0, 0.3, (64, len(NAMES)))
    for name, value in {"league_level": 0.2, "league_home_edge": 0.25, "home_settled": 0, "away_settled": 0}.items():
        background[:, NAMES.index(name)] = value
    session = onnxruntime.InferenceSession(export(MODEL), providers=["CPUExecutionProvider"])
    labels = {name: label(name) for name in NAMES}
    signature = describe(MATCH_OUTCOME, "f00d", "2026-05-17T18:00:00+00:00")
    return Explainer(Model(signature, "1", session, {"background": background.tolist(), "labels": labels}))


def row(**values: float) -> np.ndarray:
    plain = {"league_level": 0.2, "league_home_edge": 0.25} | values
    return np.array([plain.get(name, 0.0) for name in NAMES], np.float32)


def test_contributions_of_the_features_add_up_to_the_forecast(explainer: Explainer) -> None:
    asked = row(home_attack=0.4, away_defence=-0.2, away_settled=1.0)
    found = explainer.explained(asked)
    wanted = np.log(MODEL.predict(asked[None]))[0]
    assert found.value == pytest.approx(wanted, abs=1e-5)
    assert found.base + found.contributions.sum(axis=0) == pytest.approx(found.value)


def test_strength_and_an_opponent_with_nothing_to_play_for_speak_for_a_win(explainer: Explainer) -> None:
    found = explainer.explained(row(home_attack=0.4, away_settled=1.0)).contributions
    for name in ("home_attack", "away_settled"):
        home, _, away = found[NAMES.index(name)]
        assert home > 0 > away, name
    unchanged = [NAMES.index(name) for name in ("league_level", "league_home_edge", "home_settled")]
    assert not found[unchanged].any(), "they are those of the background"
