"""`player-points` trained, exported, proven and walked on two seasons of three clubs."""

from functools import cache

import numpy as np
import onnxruntime
import pytest

from matchday.backtest import walk_forward
from matchday.models.graph import FEATURES, TOLERANCE
from matchday.models.kind import Subject
from matchday.models.player_points.inputs import NAMES, vectors_of
from matchday.models.player_points.kind import PLAYER_POINTS, points_of
from matchday.models.player_points.recipe import RECIPE
from matchday.models.recipe import load_recipe
from matchday.models.trained import Trained
from matchday.tables import columns
from tests import players


@cache
def trained() -> Trained:
    return RECIPE.train(players.past())


def test_the_kind_names_its_recipe_and_its_table_has_its_columns() -> None:
    assert load_recipe(PLAYER_POINTS) is RECIPE
    assert tuple(columns(RECIPE.table)[-len(NAMES) :]) == PLAYER_POINTS.feature_names
    assert PLAYER_POINTS.subject is Subject.APPEARANCE
    assert PLAYER_POINTS.result(np.array([3, -1])).tolist() == points_of(np.array([3, -1])).tolist() == [3, -1]


def test_training_proves_that_the_graph_is_the_model_on_every_row() -> None:
    assert trained().parity.rows == len(players.past())
    assert trained().parity.largest <= TOLERANCE
    graph = onnxruntime.InferenceSession(trained().graph, providers=["CPUExecutionProvider"])
    found = {each.name: tuple(each.shape[1:]) for each in graph.get_outputs()}
    assert found == {"points": (), **{each.name: tuple(each.shape) for each in PLAYER_POINTS.further}}
    (points,) = graph.run(["points"], {FEATURES: vectors_of(players.past())})
    assert points.mean() == pytest.approx(players.past()["result"].mean(), abs=0.1)


def test_the_report_says_what_was_learnt_and_explains_every_feature() -> None:
    assert trained().matches == len(players.past())
    assert trained().coefficients["ratio_chance_0"] < 0.1
    assert trained().parameters["plays_rounds"] == 80
    assert list(trained().explainer["labels"]) == list(NAMES)
    assert "of the log odds are left" in RECIPE.notes(trained()).weak


def test_a_walk_beats_its_baselines() -> None:
    rows = players.few()
    scores = {}
    for name, forecaster in RECIPE.forecasters(rows).items():
        walk = walk_forward(rows, forecaster, PLAYER_POINTS.output.columns, ["2526"])
        scores[name] = PLAYER_POINTS.scores(walk.numbers, walk.results)
    assert set(scores) == {PLAYER_POINTS.name, *PLAYER_POINTS.baselines}
    own = scores[PLAYER_POINTS.name]
    assert own["matches"] == (rows["season"] == "2526").sum()
    for name in PLAYER_POINTS.gate.beats:
        assert own["squared_error"] < scores[name]["squared_error"]
    low, high = PLAYER_POINTS.gate.limits[0].bounds(own["matches"])
    assert low <= own["rmse"] <= high
