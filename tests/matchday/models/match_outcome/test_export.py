"""The graph forecasts what the model forecasts, on any row in any company, with few nodes."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from matchday.models.goal_rates import goal_rates
from matchday.models.graph import TOLERANCE, Parity, ParityError, prove_parity
from matchday.models.match_outcome.candidates import stacking as outcome
from matchday.models.match_outcome.candidates.stacking import (
    NAMES,
    OutcomeModel,
    Parameters,
    contrasts,
    trees_input,
    vectors_of,
)
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.rules import rules_of
from tests import league

QUICK = Parameters(trees=20, first_season="2223", first_held_out="2425")
CLOSE = 2e-6
"""What float32 loses, even where ratings are extreme; `TOLERANCE` is where a graph is wrong."""
MOST_NODES = 15
"""Each node costs about 0.5 microseconds however little it computes; one row costs 7 beyond the call itself."""
PRODUCTS, ELEMENTWISE = {"MatMul", "Gemm"}, {"Exp", "Log", "Min", "Clip", "Softmax"}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    features = league.outcome_features()
    return features[features["season"] >= "2223"].reset_index(drop=True)


@pytest.fixture(scope="module")
def whole() -> tuple[OutcomeModel, bytes]:
    """The model of all seasons as the pipeline trains it, and its graph."""
    model = outcome.train(league.outcome_features())
    return model, export(model)


@pytest.fixture(scope="module")
def matches() -> np.ndarray:
    return vectors_of(league.outcome_features())


def proved(model: OutcomeModel, graph: bytes, vectors: np.ndarray) -> Parity:
    return prove_parity(graph, "probabilities", vectors, model.predict(vectors))


def ask(graph: bytes, *batches: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["probabilities"], {"features": batch})[0] for batch in batches])


def test_the_graph_forecasts_what_the_model_forecasts_on_every_match(whole, matches) -> None:
    model, graph = whole
    parity = proved(model, graph, matches)
    assert parity.rows == len(matches) == 4560
    assert parity.largest < 5e-7 < TOLERANCE == 1e-5
    forecast = ask(graph, matches)
    assert forecast.sum(axis=1) == pytest.approx(np.ones(len(matches)), abs=1e-6)
    assert 0.005 < forecast.min() < forecast.max() < 0.97


RANGES = {"level": (-0.3, 0.6), "home_edge": (-0.2, 0.6), "low_score": (-0.2, 0.1), "elo": (1100, 2100)}
RANGES |= {"attack": (-0.9, 0.9), "defence": (-0.9, 0.9), "points": (0, 3), "days": (0, 14), "": (0, 6)}
LOW, HIGH = np.array([next(span for word, span in RANGES.items() if word in name) for name in NAMES]).T
CORNERS = np.random.default_rng(1).integers(0, 2, (2000, len(NAMES))).astype(float)


@settings(max_examples=50)
@given(share=arrays(np.float64, (20, len(NAMES)), elements=some.floats(0, 1)))
@example(share=CORNERS)
def test_the_graph_forecasts_what_the_model_forecasts_on_vectors_that_never_were(whole, share) -> None:
    # To a millionth: of numbers below the normal ones, which no rating is, ONNX Runtime makes zero.
    vectors = (LOW + share.round(6) * (HIGH - LOW)).astype(np.float32)
    assert proved(*whole, vectors).largest < CLOSE


def test_a_score_that_the_correction_would_make_negative_is_impossible_in_the_graph_too(whole, matches) -> None:
    """Both sides at rates of e^2.4 and e^1.5: 0-0 would lose four times what it has."""
    row = matches[-1].copy()
    for name, value in {"league_level": 0.5, "home_attack": 1.0, "away_attack": 1.0, "league_low_score": 0.1}.items():
        row[NAMES.index(name)] = value
    for name, value in {"league_home_edge": 0.4, "home_defence": 0.0, "away_defence": -0.5}.items():
        row[NAMES.index(name)] = value
    home, away = goal_rates(row[None], NAMES)
    assert 0.1 * home[0] * away[0] > 4
    assert proved(*whole, row[None]).largest < CLOSE


def test_a_row_on_the_bound_of_a_split_goes_the_way_of_the_trees(whole, matches) -> None:
    conditions = {condition for rule in rules_of(whole[0].members.trees).rules for condition in rule}
    vectors = []
    for condition in conditions:
        home, away = contrasts()[:, condition.column].nonzero()[0]
        for value in neighbours(condition.bound):
            row = matches[-1].copy()
            row[home], row[away] = value, 0
            assert trees_input(row[None])[0, condition.column] == value
            vectors.append(row)
    assert len(vectors) > 1000
    assert proved(*whole, np.array(vectors)).largest < CLOSE


def neighbours(bound: float) -> list[float]:
    """A bound, and the normal numbers next to it."""
    least = np.finfo(np.float32).smallest_normal
    if bound == 0:
        return [-least, 0, least]
    return [np.nextafter(np.float32(bound), np.float32(towards)) for towards in (-np.inf, bound, np.inf)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 15, 16])
def test_a_row_is_answered_alone_as_in_company(whole, matches, size) -> None:
    rows = matches[-240:]
    together = ask(whole[1], rows)
    assert ask(whole[1], *np.split(rows, range(size, len(rows), size))) == pytest.approx(together, abs=CLOSE, rel=0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_feature_that_is_no_number_gets_no_number_and_harms_no_other_row(whole, matches, wrong) -> None:
    rows = np.repeat(matches[-1:], 2 * len(NAMES), axis=0)
    rows[range(0, len(rows), 2), range(len(NAMES))] = wrong
    answer = ask(whole[1], rows)
    assert not np.isfinite(answer[::2]).any()
    assert answer[1::2] == pytest.approx(np.repeat(ask(whole[1], matches[-1:]), len(NAMES), axis=0), abs=CLOSE, rel=0)


def test_the_graph_is_few_products_with_the_published_ends(whole) -> None:
    graph = onnx.load_from_string(whole[1]).graph
    assert len(graph.node) <= MOST_NODES
    assert {node.op_type for node in graph.node} <= PRODUCTS | ELEMENTWISE
    assert {node.domain for node in graph.node} == {""}
    (inputs,), (outputs,) = graph.input, graph.output
    assert (inputs.name, outputs.name) == ("features", "probabilities")
    assert [d.dim_param or d.dim_value for d in inputs.type.tensor_type.shape.dim] == ["n", len(NAMES)]
    assert [d.dim_param or d.dim_value for d in outputs.type.tensor_type.shape.dim] == ["n", 3]


@pytest.mark.parametrize("change", [{"depth": 1}, {"depth": 3, "leaf_weight": 10.0}, {"leaf_weight": 1e9}], ids=str)
def test_trees_of_any_depth_are_exported(rows, change) -> None:
    model = outcome.train(rows, replace(QUICK, **change))
    assert max(map(len, rules_of(model.members.trees).rules), default=0) == (change.get("depth", 0))
    assert proved(model, export(model), vectors_of(rows)).largest < CLOSE


def test_a_graph_of_another_model_fails_the_proof(whole, rows) -> None:
    other = outcome.train(rows, QUICK)
    with pytest.raises(ParityError, match="must not be served"):
        proved(other, whole[1], vectors_of(rows))
