"""`match-outcome` on the real training set, and its graph."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from matchday.features.fixture import NAMES, POSITION
from matchday.models import outcome, training
from matchday.models.export import TOLERANCE, ParityError, export, prove_parity
from matchday.models.outcome import MEMBERS, OutcomeModel, Parameters, contrasts, trees_input, vectors_of
from matchday.models.training import Trained
from tests import league

QUICK = Parameters(trees=20, first_season="2223", first_held_out="2425")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    features = league.outcome_features()
    return features[features["season"] >= "2223"].reset_index(drop=True)


@pytest.fixture(scope="module")
def whole() -> tuple[OutcomeModel, bytes]:
    """The model of all seasons as the pipeline trains it, and its graph."""
    model = outcome.train(league.outcome_features())
    return model, export(model)


def ask(graph: bytes, vectors: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"features": vectors})[0]


def test_the_graph_forecasts_what_the_model_forecasts_on_every_match(whole) -> None:
    model, graph = whole
    vectors = vectors_of(league.outcome_features())
    parity = prove_parity(model, graph, vectors)
    assert parity.rows == len(vectors) == 4560
    assert parity.largest < TOLERANCE == 1e-5
    forecast = ask(graph, vectors)
    assert forecast.sum(axis=1) == pytest.approx(np.ones(len(vectors)), abs=1e-6)
    assert 0.005 < forecast.min() < forecast.max() < 0.97


RANGES = {"level": (-0.3, 0.6), "home_edge": (-0.2, 0.6), "low_score": (-0.2, 0.1), "elo": (1100, 2100)}
RANGES |= {"attack": (-0.9, 0.9), "defence": (-0.9, 0.9), "points": (0, 3), "days": (0, 14), "": (0, 6)}
LOW, HIGH = np.array([next(span for word, span in RANGES.items() if word in name) for name in NAMES]).T


@settings(max_examples=50)
@given(share=arrays(np.float64, (20, len(NAMES)), elements=some.floats(0, 1)))
def test_the_graph_forecasts_what_the_model_forecasts_on_vectors_that_never_were(whole, share) -> None:
    vectors = (LOW + share * (HIGH - LOW)).astype(np.float32)
    assert prove_parity(*whole, vectors).largest < TOLERANCE


def test_the_graph_is_one_with_trees_in_it_and_the_published_ends(whole) -> None:
    graph = onnx.load_from_string(whole[1]).graph
    assert [node.op_type for node in graph.node].count("TreeEnsembleClassifier") + [
        node.op_type for node in graph.node
    ].count("TreeEnsembleRegressor") == 1
    assert {node.domain for node in graph.node} <= {"", "ai.onnx.ml"}
    (inputs,), (outputs,) = graph.input, graph.output
    assert (inputs.name, outputs.name) == ("features", "probabilities")
    assert [d.dim_param or d.dim_value for d in inputs.type.tensor_type.shape.dim] == ["n", len(NAMES)]
    assert [d.dim_param or d.dim_value for d in outputs.type.tensor_type.shape.dim] == ["n", 3]


def test_a_graph_of_another_model_fails_the_proof(whole, rows) -> None:
    other = outcome.train(rows, QUICK)
    with pytest.raises(ParityError, match="must not be served"):
        prove_parity(other, whole[1], vectors_of(rows))


def test_training_and_export_give_the_same_bytes_again(rows) -> None:
    first, second = (training.train(rows, QUICK) for _ in range(2))
    assert hashlib.sha256(first.graph).hexdigest() == hashlib.sha256(second.graph).hexdigest()
    assert first == second
    shuffled = rows.sample(frac=1, random_state=1)
    assert training.train(shuffled, QUICK).trained_until == first.trained_until


def test_a_trained_model_comes_back_as_it_was_saved(rows, tmp_path: Path) -> None:
    trained = training.train(rows, QUICK)
    trained.save(tmp_path / "model")
    assert Trained.load(tmp_path / "model") == trained
    assert trained.matches == len(rows)
    assert pd.Timestamp(trained.trained_until) == rows["kickoff"].max() + pd.Timedelta(hours=2)
    assert len(trained.explainer["background"]) == training.BACKGROUND
    assert set(trained.explainer["labels"]) == set(NAMES)
    assert set(trained.weights) == set(MEMBERS)


def test_every_member_and_the_pool_give_probabilities_that_beat_chance(rows) -> None:
    past, coming = rows[rows["season"] < "2526"], rows[rows["season"] == "2526"]
    model = outcome.train(past, QUICK)
    result = coming["result"].to_numpy()
    for forecast in (*model.members.forecast(vectors_of(coming)), model.predict(vectors_of(coming))):
        assert forecast.sum(axis=1) == pytest.approx(np.ones(len(coming)))
        assert -np.log(forecast[np.arange(len(coming)), result]).mean() < np.log(3)


def test_held_out_forecasts_of_a_season_know_nothing_of_it_nor_of_later_ones(rows) -> None:
    altered = rows.assign(result=rows["result"].where(rows["season"] < "2425", 2 - rows["result"]))
    ours, theirs = (outcome.held_out_forecasts(table, QUICK).set_index("match_id") for table in (rows, altered))
    seasons = rows.set_index("match_id").loc[ours.index, "season"]
    assert ours[seasons == "2425"].equals(theirs[seasons == "2425"])
    assert not ours[seasons == "2526"].equals(theirs[seasons == "2526"])


def test_trees_see_exact_gaps_and_totals() -> None:
    vectors = np.random.default_rng(0).normal(1500, 100, (50, len(NAMES))).astype(np.float32)
    seen = trees_input(vectors)
    home, away = vectors[:, POSITION["home_elo"]], vectors[:, POSITION["away_elo"]]
    assert np.array_equal(seen[:, 0], home - away)
    assert set(np.abs(contrasts()).sum(axis=0)) == {2.0}
    total = vectors[:, POSITION["home_attack"]] + vectors[:, POSITION["away_attack"]]
    assert np.array_equal(seen[:, -2], total)


def test_too_little_to_learn_from_is_said(rows) -> None:
    with pytest.raises(ValueError, match="needs home wins, draws and away wins"):
        outcome.train(rows[rows["result"] == 0], QUICK)
