"""Boosted trees as an ONNX graph."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import xgboost

from matchday.models.graph import FEATURES, GraphWriter, prove_parity
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.models.trees import write_trees

KIND = replace(TOTAL_GOALS, output=replace(TOTAL_GOALS.output, classes=("margin",)))


def rows(count: int = 400) -> np.ndarray:
    random = np.random.default_rng(3)
    drawn = random.normal(size=(count, 4)).astype(np.float32)
    drawn[:, 1] = np.round(drawn[:, 1] * 2)
    drawn[random.random(drawn.shape) < 0.1] = np.nan
    return drawn


def trained(objective: str, seen: np.ndarray, **parameters) -> xgboost.Booster:
    wanted = (np.nan_to_num(seen[:, 0]) + np.nan_to_num(seen[:, 1]) > 0.5).astype(float)
    settings = {"objective": objective, "max_depth": 4, "nthread": 1, "seed": 1, **parameters}
    return xgboost.train(settings, xgboost.DMatrix(seen, wanted), 20)


def graph_of(booster: xgboost.Booster) -> bytes:
    writer = GraphWriter()
    write_trees(writer, booster, FEATURES, KIND.output.name)
    return writer.serialise(KIND, 4)


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic", "count:poisson"])
def test_the_graph_gives_the_margin_of_every_row_with_and_without_missing_values(objective) -> None:
    seen = rows()
    booster = trained(objective, seen)
    wanted = booster.predict(xgboost.DMatrix(seen), output_margin=True)[:, None]
    assert prove_parity(graph_of(booster), KIND.output.name, seen, wanted).rows == len(seen)


def test_a_value_on_a_threshold_goes_the_way_that_it_went_in_training() -> None:
    seen = rows()
    booster = trained("reg:squarederror", seen)
    table = booster.trees_to_dataframe()
    thresholds = table.loc[table["Feature"] == "f0", "Split"].to_numpy(np.float32)
    edges = np.zeros((len(thresholds), 4), np.float32)
    edges[:, 0] = thresholds
    wanted = booster.predict(xgboost.DMatrix(edges))[:, None]
    assert len(thresholds) > 10
    prove_parity(graph_of(booster), KIND.output.name, edges, wanted)


def test_the_same_booster_gives_the_same_bytes() -> None:
    seen = rows()
    assert graph_of(trained("reg:squarederror", seen)) == graph_of(trained("reg:squarederror", seen))


def test_a_graph_without_trees_asks_for_no_operators_of_trees() -> None:
    writer = GraphWriter()
    writer.node("ReduceSum", [FEATURES, writer.integers("across", [1])], KIND.output.name)
    session = onnxruntime.InferenceSession(writer.serialise(KIND, 4), providers=["CPUExecutionProvider"])
    assert session.run(None, {FEATURES: np.ones((1, 4), np.float32)})[0].tolist() == [[4.0]]
    assert b"ai.onnx.ml" not in writer.serialise(KIND, 4)


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"objective": "multi:softprob", "num_class": 3}, "multi:softprob cannot be written, only reg:squarederror"),
        ({"objective": "reg:squarederror", "num_target": 2}, "of one number"),
    ],
)
def test_boosters_of_several_numbers_are_refused(parameters, why) -> None:
    seen = rows()
    wanted = np.arange(len(seen)) % 3
    both = np.column_stack([wanted, wanted]) if "num_target" in parameters else wanted
    given = {name: value for name, value in parameters.items() if name != "num_target"}
    booster = xgboost.train({**given, "nthread": 1}, xgboost.DMatrix(seen, both), 2)
    with pytest.raises(ValueError, match=why):
        graph_of(booster)
