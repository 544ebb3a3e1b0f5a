"""The graph forecasts what the model forecasts, all its outputs, on any row in any company, with few nodes."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from matchday.models.graph import TOLERANCE, Parity, ParityError, prove_parity
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.settled_goals import NAMES, SettledGoals, rates, train, vectors_of
from tests import league

CLOSE = 2e-6
"""What float32 loses, even where ratings are extreme; `TOLERANCE` is where a graph is wrong."""
MOST_NODES = 16
"""Each node costs about 0.5 microseconds however little it computes."""
PRODUCTS, ELEMENTWISE = {"MatMul", "Gemm"}, {"Exp", "Log", "Add", "Mul", "Div", "Relu", "Softmax"}
OUTPUTS = [MATCH_OUTCOME.output.name, *(each.name for each in MATCH_OUTCOME.further)]


@pytest.fixture(scope="module")
def whole() -> tuple[SettledGoals, bytes]:
    """The model of all seasons as the pipeline trains it, and its graph."""
    model = train(league.outcome_features())
    return model, export(model)


@pytest.fixture(scope="module")
def matches() -> np.ndarray:
    return vectors_of(league.outcome_features())


def proved(model: SettledGoals, graph: bytes, vectors: np.ndarray) -> Parity:
    return prove_parity(graph, "probabilities", vectors, model.predict(vectors), model.further(vectors))


def ask(graph: bytes, *batches: np.ndarray, output: str = "probabilities") -> np.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run([output], {"features": batch})[0] for batch in batches])


def test_the_graph_forecasts_what_the_model_forecasts_on_every_match(whole, matches) -> None:
    model, graph = whole
    parity = proved(model, graph, matches)
    assert parity.rows == len(matches) == 4560
    assert parity.largest < CLOSE < TOLERANCE == 1e-5
    forecast = ask(graph, matches)
    assert forecast.sum(axis=1) == pytest.approx(np.ones(len(matches)), abs=1e-6)
    assert 0.005 < forecast.min() < forecast.max() < 0.97


RANGES = {"level": (-0.3, 0.6), "home_edge": (-0.2, 0.6), "attack": (-0.9, 0.9), "defence": (-0.9, 0.9)}
RANGES |= {"settled": (0, 1)}
LOW, HIGH = np.array([next(span for word, span in RANGES.items() if word in name) for name in NAMES]).T
CORNERS = np.random.default_rng(1).integers(0, 2, (2000, len(NAMES))).astype(float)


@settings(max_examples=50)
@given(share=arrays(np.float64, (20, len(NAMES)), elements=some.floats(0, 1)))
@example(share=CORNERS)
def test_the_graph_forecasts_what_the_model_forecasts_on_vectors_that_never_were(whole, share) -> None:
    # To a millionth: of numbers below the normal ones, which no rating is, ONNX Runtime makes zero.
    vectors = (LOW + share.round(6) * (HIGH - LOW)).astype(np.float32)
    assert proved(*whole, vectors).largest < CLOSE


@settings(max_examples=25, deadline=None)
@given(
    effects=arrays(np.float64, 4, elements=some.floats(-0.4, 0.4)),
    low_score=some.floats(-0.2, 0.1),
    share=arrays(np.float64, (5, len(NAMES)), elements=some.floats(0, 1)),
)
def test_any_model_is_exported(effects, low_score, share) -> None:
    scored, conceded, sharper, draw = effects.tolist()
    model = SettledGoals(scored, conceded, 1 + sharper, draw, low_score)
    assert proved(model, export(model), (LOW + share.round(6) * (HIGH - LOW)).astype(np.float32)).largest < CLOSE


def test_a_score_that_the_correction_would_make_negative_is_impossible_in_the_graph_too(whole, matches) -> None:
    """At a rate of e^3 at home and a dependence of -.06 the correction takes more from 0-1 than it has."""
    row = matches[-1].copy()
    for name, value in {"league_level": 1.0, "league_home_edge": 0.5, "home_attack": 1.5, "away_defence": 0.0}.items():
        row[NAMES.index(name)] = value
    model, graph = whole
    assert 0.06 * rates(row[None], model.scored, model.conceded)[0] > 1
    assert proved(model, graph, row[None]).largest < CLOSE
    assert ask(graph, row[None], output="score_grid")[0, 0, 1] == 0


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 15, 16])
def test_a_row_is_answered_alone_as_in_company(whole, matches, size) -> None:
    rows = matches[-240:]
    for output in OUTPUTS:
        together = ask(whole[1], rows, output=output)
        parts = np.split(rows, range(size, len(rows), size))
        assert ask(whole[1], *parts, output=output) == pytest.approx(together, abs=CLOSE, rel=0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("output", OUTPUTS)
def test_a_feature_that_is_no_number_gets_no_number_and_harms_no_other_row(whole, matches, output, wrong) -> None:
    rows = np.repeat(matches[-1:], 2 * len(NAMES), axis=0)
    rows[range(0, len(rows), 2), range(len(NAMES))] = wrong
    answer = ask(whole[1], rows, output=output)
    assert not np.isfinite(answer[::2].reshape(len(NAMES), -1)).any(axis=1).any()
    right = ask(whole[1], matches[-1:], output=output)
    assert answer[1::2] == pytest.approx(np.repeat(right, len(NAMES), axis=0), abs=CLOSE, rel=0)


def test_the_graphs_score_grid_sums_to_its_probabilities(whole, matches) -> None:
    grid, forecast = (ask(whole[1], matches, output=output).astype(float) for output in ("score_grid", "probabilities"))
    sums = [np.tril(grid, -1).sum(axis=(1, 2)), np.trace(grid, axis1=1, axis2=2), np.triu(grid, 1).sum(axis=(1, 2))]
    assert np.column_stack(sums) == pytest.approx(forecast, abs=1e-6)


def test_the_graph_is_few_products_with_the_published_ends(whole) -> None:
    graph = onnx.load_from_string(whole[1]).graph
    assert len(graph.node) <= MOST_NODES
    assert {node.op_type for node in graph.node} <= PRODUCTS | ELEMENTWISE | {"Transpose", "Reshape"}
    assert {node.domain for node in graph.node} == {""}
    ends = {
        end.name: [each.dim_param or each.dim_value for each in end.type.tensor_type.shape.dim]
        for end in (*graph.input, *graph.output)
    }
    assert ends == {
        "features": ["n", len(NAMES)],
        "probabilities": ["n", 3],
        "score_grid": ["n", 11, 11],
        "over": ["n", 6],
        "both_score": ["n"],
        "clean_sheets": ["n", 2],
    }


def test_the_probabilities_alone_take_only_the_nodes_on_their_way(whole, matches) -> None:
    """What a server asks for by default: with `only_execute_path_to_fetches` nothing of the grid is computed."""
    options = onnxruntime.RunOptions()
    options.only_execute_path_to_fetches = True
    session = onnxruntime.InferenceSession(whole[1], providers=["CPUExecutionProvider"])
    alone = session.run(["probabilities"], {"features": matches}, options)[0]
    assert np.array_equal(alone, session.run(None, {"features": matches})[0])


def test_a_graph_of_another_model_fails_the_proof(whole, matches) -> None:
    model, graph = whole
    with pytest.raises(ParityError, match="must not be served"):
        proved(replace(model, draw=0.01), graph, matches[:5])


def test_further_outputs_are_proved_too(whole, matches) -> None:
    model, graph = whole
    vectors = matches[:5]
    further = dict(model.further(vectors))
    wrong = {**further, "both_score": further["both_score"] + 1e-4}
    with pytest.raises(ParityError, match="must not be served"):
        prove_parity(graph, "probabilities", vectors, model.predict(vectors), wrong)
    del further["over"]
    with pytest.raises(ParityError, match="nothing was given to compare the graph's over with"):
        prove_parity(graph, "probabilities", vectors, model.predict(vectors), further)
