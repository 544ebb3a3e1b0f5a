"""The graph forecasts what Python forecasts, to the last whole number."""

from functools import cache

import numpy as np
import onnxruntime

from matchday.models.graph import FEATURES, TOLERANCE
from matchday.models.player_points.export import export
from matchday.models.player_points.inputs import COLUMN, vectors_of
from tests import players

NAMES = ["points", "quantiles", "minutes"]


@cache
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(export(players.model()), providers=["CPUExecutionProvider"])


def wild() -> np.ndarray:
    """Vectors of every flag, position and number of weeks ahead."""
    vectors = vectors_of(players.few())
    random = np.random.default_rng(11)
    vectors[:, COLUMN["flag"]] = random.integers(0, 7, len(vectors))
    vectors[:, COLUMN["position_number"]] = random.integers(0, 4, len(vectors))
    vectors[:, COLUMN["days_ahead"]] = random.uniform(0, 56, len(vectors))
    vectors[:, COLUMN["defensive_points"]] = random.uniform(0, 2, len(vectors))
    return vectors


def test_every_output_is_that_of_the_model_on_every_row() -> None:
    for vectors in (vectors_of(players.few()), wild()):
        points, quantiles, minutes = session().run(NAMES, {FEATURES: vectors})
        wanted = players.model().predict(vectors)
        assert points.shape == (len(vectors),)
        assert np.abs(points - wanted.points).max() <= TOLERANCE
        assert np.abs(minutes - wanted.minutes).max() <= TOLERANCE
        assert np.array_equal(quantiles, wanted.quantiles)


def test_rows_alone_give_what_they_give_together() -> None:
    vectors = wild()[:200]
    together = session().run(NAMES, {FEATURES: vectors})
    for row, vector in enumerate(vectors):
        for whole, alone in zip(together, session().run(NAMES, {FEATURES: vector[None]}), strict=True):
            assert np.array_equal(whole[[row]], alone)


def test_no_row_gives_no_forecast() -> None:
    points, quantiles, minutes = session().run(NAMES, {FEATURES: wild()[:0]})
    assert (points.shape, quantiles.shape, minutes.shape) == ((0,), (0, 3), (0, 3))
