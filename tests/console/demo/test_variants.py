"""The demonstration's variants of a real graph: one simpler, two with faults."""

from functools import cache

import numpy as np
import onnxruntime
import pytest

from console.demo.variants import ERRING, SIMPLER, SWAPPED
from matchday.models.graph import prove_parity
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.settled_goals import NAMES, SettledGoals

MODEL = SettledGoals(scored=-0.05, conceded=0.16, sharpness=1.08, draw=-0.03)


def session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@cache
def vectors() -> np.ndarray:
    random = np.random.default_rng(1)
    made = random.normal(0, 0.3, (20, len(NAMES)))
    made[:, [NAMES.index("home_settled"), NAMES.index("away_settled")]] = random.integers(0, 2, (20, 2))
    return made.astype(np.float32)


def test_the_simpler_one_is_the_goals_model_alone_in_all_outputs() -> None:
    plain = SettledGoals()
    graph = SIMPLER.change(export(MODEL))
    found = prove_parity(graph, "probabilities", vectors(), plain.predict(vectors()), plain.further(vectors()))
    assert found.largest < 2e-6


def test_the_swapped_one_gives_home_the_chances_of_away() -> None:
    found = session(SWAPPED.change(export(MODEL))).run(["probabilities"], {"features": vectors()})[0]
    assert found == pytest.approx(MODEL.predict(vectors())[:, ::-1], abs=2e-6)


def test_the_erring_one_answers_several_matches_and_zeros_but_no_match_alone() -> None:
    """Servers start with zeros, the shadow asks for many at once."""
    erring = session(ERRING.change(export(MODEL)))
    found = erring.run(["probabilities"], {"features": vectors()})[0]
    assert found == pytest.approx(MODEL.predict(vectors()), abs=2e-6)
    assert erring.run(None, {"features": np.zeros((1, len(NAMES)), np.float32)})[0].shape == (1, 3)
    with pytest.raises(Exception, match="indices element out of data bounds"):
        erring.run(["probabilities"], {"features": vectors()[:1]})
