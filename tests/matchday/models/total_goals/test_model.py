"""`total-goals` on the real training set: fit, export, walk-forward, gate."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from matchday.models.card import card
from matchday.models.evaluation import Evaluation, EvaluationError, evaluate
from matchday.models.gate import judge
from matchday.models.graph import ParityError, prove_parity
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.total_goals.export import export
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.models.total_goals.model import NAMES, GoalsCalibration, fit, total_rate, vectors_of
from matchday.models.total_goals.recipe import RECIPE
from matchday.models.trained import Trained
from matchday.tables import GoalsFeatures, validate
from tests import league

LOW, HIGH = np.array([(-1.0, 1.0) if name != "league_level" else (-0.3, 0.6) for name in NAMES]).T


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return league.goals_features()


@pytest.fixture(scope="module")
def evaluation(rows: pd.DataFrame) -> Evaluation:
    return evaluate(RECIPE, rows)


def test_training_vectors_keep_their_schema_on_every_match(rows: pd.DataFrame) -> None:
    assert len(validate(GoalsFeatures, rows)) == 4560
    assert tuple(column for column in rows if column in NAMES) == NAMES


def test_a_trained_model_comes_back_as_it_was_saved_and_proves_parity(rows: pd.DataFrame, tmp_path: Path) -> None:
    trained = RECIPE.train(rows)
    trained.save(tmp_path / "model")
    assert Trained.load(tmp_path / "model") == trained
    assert trained.parity.rows == 4560 and trained.parity.largest < 2e-6
    assert trained.matches == (rows["season"] >= "1617").sum()
    assert set(trained.explainer["labels"]) == set(NAMES)
    assert 0.5 < trained.coefficients["slope"] < 1, "the ratings exaggerate how much matches differ"


@settings(max_examples=50)
@given(
    share=arrays(np.float64, (20, len(NAMES)), elements=some.floats(0, 1)),
    shift=some.floats(-1, 1),
    slope=some.floats(0, 2),
)
@example(share=np.random.default_rng(1).integers(0, 2, (500, len(NAMES))).astype(float), shift=0.2, slope=0.8)
def test_the_graph_forecasts_what_the_model_forecasts(share: np.ndarray, shift: float, slope: float) -> None:
    model = GoalsCalibration(shift, slope)
    vectors = (LOW + share.round(6) * (HIGH - LOW)).astype(np.float32)
    session = onnxruntime.InferenceSession(export(model), providers=["CPUExecutionProvider"])
    assert session.run(["goals"], {"features": vectors})[0] == pytest.approx(model.predict(vectors), rel=2e-6)


def test_the_graph_has_the_published_ends_and_another_fails_the_proof(rows: pd.DataFrame) -> None:
    model, vectors = fit(rows), vectors_of(rows)
    graph = onnx.load_from_string(export(model)).graph
    ends = {end.name: [d.dim_param or d.dim_value for d in end.type.tensor_type.shape.dim] for end in graph.input}
    assert ends == {"features": ["n", len(NAMES)]}
    (output,) = graph.output
    assert (output.name, [d.dim_param for d in output.type.tensor_type.shape.dim]) == ("goals", ["n"])
    with pytest.raises(ParityError, match="must not be served"):
        prove_parity(export(GoalsCalibration(0.0, 1.0)), "goals", vectors, model.predict(vectors))


@settings(max_examples=25)
@given(shift=some.floats(-0.3, 0.3), slope=some.floats(0.3, 1.5), seed=some.integers(0, 1000))
def test_the_fit_finds_how_goals_were_drawn(rows: pd.DataFrame, shift: float, slope: float, seed: int) -> None:
    rate = total_rate(vectors_of(rows))
    drawn = np.random.default_rng(seed).poisson(np.exp(shift + slope * np.log(rate)))
    found = fit(rows.assign(result=drawn))
    typical = np.log(2.8)
    assert found.shift + found.slope * typical == pytest.approx(shift + slope * typical, abs=0.05)
    assert found.slope == pytest.approx(slope, abs=0.35)


def test_too_little_to_learn_from_is_said(rows: pd.DataFrame) -> None:
    for few in (rows[rows["season"] < "1617"], rows.tail(99), rows.assign(result=0)):
        with pytest.raises(ValueError, match="needs 100 matches with goals from season 1617 on"):
            fit(few)


def test_walk_forward_forecasts_beat_the_means_and_are_not_too_good_to_be_true(evaluation: Evaluation) -> None:
    scores = evaluation.scores()
    assert scores["matches"] == 1140
    for name in TOTAL_GOALS.gate.beats:
        assert scores["deviance"] < evaluation.scores(name)["deviance"]
    assert 0.95 < scores["deviance"] < 0.985
    assert 1.6 < scores["rmse"] < 1.63
    assert set(evaluation.walks) == {"total-goals", *TOTAL_GOALS.baselines}


def test_the_model_passes_the_gate_and_its_baselines_do_not(evaluation: Evaluation) -> None:
    assert judge(evaluation).passed, judge(evaluation).reasons
    for name in TOTAL_GOALS.gate.beats:
        instead = Evaluation(TOTAL_GOALS, {**evaluation.walks, TOTAL_GOALS.name: evaluation.walks[name]})
        assert f"does not beat {name}" in str(judge(instead).reasons)


def test_a_leak_and_a_biased_model_are_refused(evaluation: Evaluation) -> None:
    for factor, reason in ((0.85, "bias 0.8"), (1.2, "bias 1.1")):
        own = evaluation.own.forecasts
        instead = type(evaluation.own)(own.assign(goals=own["goals"] * factor), ("goals",))
        assert reason in str(judge(Evaluation(TOTAL_GOALS, {**evaluation.walks, "total-goals": instead})).reasons)
    own = evaluation.own.forecasts
    leak = type(evaluation.own)(own.assign(goals=0.5 * own["goals"] + 0.5 * own["result"].clip(0.1)), ("goals",))
    assert "look for a leak" in str(judge(Evaluation(TOTAL_GOALS, {**evaluation.walks, "total-goals": leak})).reasons)


def test_the_card_says_what_it_is_and_how_good(rows: pd.DataFrame, evaluation: Evaluation) -> None:
    trained = RECIPE.train(rows)
    text = card(trained, evaluation, RECIPE.notes(trained))
    assert text.startswith("# total-goals\n")
    assert f"slope {trained.coefficients['slope']:.3f}" in text
    assert "output `goals` (n,) float32" in text
    assert f"| total-goals | 1140 | {evaluation.scores()['deviance']:.4f} |" in text


def test_forecasts_of_another_model_are_refused_by_name(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path / "forecasts.parquet")
    assert Evaluation.load(TOTAL_GOALS, tmp_path / "forecasts.parquet").scoreboard().equals(evaluation.scoreboard())
    with pytest.raises(
        EvaluationError, match=r"forecasts\.parquet holds no forecasts of match-outcome: it lacks A, D, H"
    ):
        Evaluation.load(MATCH_OUTCOME, tmp_path / "forecasts.parquet")
    other = Evaluation(TOTAL_GOALS, {"mean of all matches": evaluation.own})
    other.save(tmp_path / "other.parquet")
    with pytest.raises(EvaluationError, match="holds no forecasts of total-goals, but of mean of all matches"):
        Evaluation.load(TOTAL_GOALS, tmp_path / "other.parquet")
