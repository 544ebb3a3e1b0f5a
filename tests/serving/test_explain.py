"""Contributions are Shapley values: additive, fair to equals, nothing for features that change nothing, repeatable."""

import asyncio
import time
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from serving.explain import MOST_ROWS, WAITING, Explainer, describe_explanation
from serving.model import Model, ModelError
from serving.protocol.errors import Refusal
from tests.serving.graphs import model, network

CLASSES = ("H", "D", "A")
FEW, MANY = 5, 31
"""Features that are enumerated, and features that are sampled."""


def background(columns: int, rows: int = 64, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def explainer(columns: int, classes: tuple[str, ...] = CLASSES, rows: int = 64, **more: Any) -> Explainer:
    return Explainer(model(columns, classes, {"background": background(columns, rows).tolist()}, **more))


def rows_of(columns: int) -> some.SearchStrategy[np.ndarray]:
    numbers = some.floats(-50, 50, width=32)
    return arrays.arrays(np.float32, columns, elements=numbers)


EXPLAINERS = {
    (columns, classes): explainer(columns, classes) for columns in (1, FEW, MANY) for classes in (CLASSES, ())
}


@pytest.mark.parametrize(("columns", "classes"), EXPLAINERS)
@settings(max_examples=15, deadline=None)
@given(data=some.data())
def test_contributions_add_up_to_the_forecast(columns: int, classes: tuple[str, ...], data: some.DataObject) -> None:
    tried = EXPLAINERS[columns, classes]
    row = data.draw(rows_of(columns))
    explanation = tried.explained(row)
    assert explanation.contributions.shape == (columns, max(1, len(classes)))
    forecast = tried.model.predict(row[None]).astype(float).reshape(-1)
    expected = np.log(np.maximum(forecast, 1e-30)) if classes else forecast
    total = explanation.base + explanation.contributions.sum(axis=0)
    assert np.abs(total - expected).max() < 1e-4
    assert np.abs(explanation.value - expected).max() < 1e-4


@pytest.mark.parametrize(("columns", "classes"), EXPLAINERS)
def test_base_is_the_mean_over_the_background(columns: int, classes: tuple[str, ...]) -> None:
    tried = EXPLAINERS[columns, classes]
    output = tried.model.predict(background(columns)).astype(float).reshape(64, -1)
    expected = np.log(output) if classes else output
    assert np.allclose(tried.explained(background(columns)[0]).base, expected.mean(axis=0), atol=1e-6)


def by_definition(tried: Explainer, row: np.ndarray) -> np.ndarray:
    """Shapley values as the textbook has them, one coalition after another."""
    columns = len(row)

    def worth(coalition: tuple[int, ...]) -> np.ndarray:
        inputs = background(columns)
        inputs[:, list(coalition)] = row[list(coalition)]
        return np.log(tried.model.predict(inputs).astype(float)).mean(axis=0)

    values = np.zeros((columns, 3))
    for player in range(columns):
        others = [other for other in range(columns) if other != player]
        for size in range(columns):
            weight = factorial(size) * factorial(columns - size - 1) / factorial(columns)
            for coalition in combinations(others, size):
                values[player] += weight * (worth((*coalition, player)) - worth(coalition))
    return values


def test_few_features_get_exact_values() -> None:
    tried = EXPLAINERS[FEW, CLASSES]
    row = np.array([1.5, -2, 0.25, 3, -1], np.float32)
    assert np.allclose(tried.explained(row).contributions, by_definition(tried, row), atol=1e-6)


def test_many_features_get_values_near_the_exact_ones() -> None:
    """The same model of five features, 26 others without weight: the sampled values are the exact ones of the five."""
    weights = np.random.default_rng(3).normal(0, 1 / np.sqrt(FEW), (FEW, 8))
    wide = np.vstack([weights, np.zeros((MANY - FEW, 8))])
    few = explainer(FEW, graph=network(FEW, 3, 5, weights), rows=128)
    many_background = np.hstack([background(FEW, 128), background(MANY - FEW, 128, 9)])
    many = Explainer(model(MANY, CLASSES, {"background": many_background.tolist()}, network(MANY, 3, 5, wide)))
    row = np.array([1.5, -2, 0.25, 3, -1], np.float32)
    wide_row = np.concatenate([row, np.ones(MANY - FEW, np.float32)])
    exact, sampled = few.explained(row).contributions, many.explained(wide_row).contributions
    assert np.abs(sampled[FEW:]).max() < 1e-5
    assert np.abs(sampled[:FEW] - exact).max() < 0.03 * np.abs(exact).max()


@pytest.mark.parametrize("columns", [FEW, MANY])
def test_a_feature_that_changes_nothing_contributes_nothing(columns: int) -> None:
    same = background(columns)
    same[:, 2] = 1.75
    tried = Explainer(model(columns, CLASSES, {"background": same.tolist()}))
    row = background(columns, 1, seed=8)[0]
    row[2] = 1.75
    contributions = tried.explained(row).contributions
    assert (contributions[2] == 0).all()
    assert (np.delete(contributions, 2, axis=0) != 0).any(axis=1).all()


def test_a_row_of_a_constant_background_is_all_base() -> None:
    row = background(MANY, 1)[0]
    explanation = Explainer(model(MANY, CLASSES, {"background": [row.tolist()] * 3})).explained(row)
    assert (explanation.contributions == 0).all()
    assert np.allclose(explanation.value, explanation.base)


@pytest.mark.parametrize(("columns", "within"), [(FEW, 1e-6), (MANY, 0.06)])
def test_features_that_are_alike_contribute_alike(columns: int, within: float) -> None:
    weights = np.random.default_rng(4).normal(0, 1 / np.sqrt(columns), (columns, 8))
    weights[1] = weights[0]
    pairs = background(columns)
    pairs[:, 1] = pairs[:, 0]
    tried = Explainer(model(columns, CLASSES, {"background": pairs.tolist()}, network(columns, 3, 5, weights)))
    row = background(columns, 1, seed=8)[0]
    row[1] = row[0] = 2.5
    contributions = tried.explained(row).contributions
    assert np.abs(contributions[0] - contributions[1]).max() < within * max(1, np.abs(contributions[0]).max())
    assert np.abs(contributions[0]).max() > 0.01


@pytest.mark.parametrize("columns", [FEW, MANY])
def test_the_same_row_has_the_same_explanation(columns: int) -> None:
    row = background(columns, 1, seed=8)[0]
    once, again = explainer(columns).explained(row), explainer(columns).explained(row)
    assert (once.contributions == again.contributions).all()


def test_a_large_background_is_thinned_so_that_time_stays_bounded() -> None:
    tried = explainer(MANY, rows=5000)
    assert 100 < len(tried.background) * 2 * (MANY - 1) <= MOST_ROWS
    begun = time.perf_counter()
    tried.explained(np.ones(MANY, np.float32))
    assert time.perf_counter() - begun < 20


def test_missing_features_are_explained_as_missing() -> None:
    """NaN is a value like another for a graph that knows it; for one that does not there is no forecast to explain."""
    tried = explainer(MANY)
    row = background(MANY, 1, seed=8)[0]
    row[3] = np.nan
    with pytest.raises(Exception, match="no finite answer"):
        tried.explained(row)


def test_words_of_an_explanation() -> None:
    names = {"f0": "Home team: Elo rating"}
    tried = Explainer(model(FEW, CLASSES, {"background": background(FEW).tolist(), "labels": names}))
    row = np.array([1.5, -2, 0.25, 3, -1], np.float32)
    words = describe_explanation(tried, row, tried.explained(row))
    assert abs(sum(words["prediction"].values()) - 1) < 1e-6
    assert (words["explained"], list(words["base"])) == ("log-probability", list(CLASSES))
    sizes = [max(map(abs, each["contribution"].values())) for each in words["contributions"]]
    assert sizes == sorted(sizes, reverse=True)
    labels = {each["feature"]: each["label"] for each in words["contributions"]}
    assert labels == {"f0": "Home team: Elo rating", **{f"f{index}": f"f{index}" for index in range(1, FEW)}}
    for name in CLASSES:
        total = words["base"][name] + sum(each["contribution"][name] for each in words["contributions"])
        assert abs(total - words["value"][name]) < 1e-9
        assert abs(np.exp(words["value"][name]) - words["prediction"][name]) < 1e-9


def test_words_of_a_regression() -> None:
    tried = EXPLAINERS[FEW, ()]
    row = np.zeros(FEW, np.float32)
    words = describe_explanation(tried, row, tried.explained(row))
    assert words["explained"] == "prediction"
    assert abs(words["prediction"] - float(tried.model.predict(row[None])[0])) < 1e-5
    assert all(isinstance(each["contribution"], float) for each in words["contributions"])


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        ({"background": [[1.0, 2.0]]}, "shape"),
        ({"background": [1.0] * FEW}, "shape"),
        ({"background": [["a"] * FEW]}, "rows of numbers"),
        ({"background": [[1.0], [1.0, 2.0]]}, "rows of numbers"),
        ({"background": {"rows": 1}}, "rows of numbers"),
        ({"background": [[float("nan")] * FEW]}, "finite"),
        ({"background": [], "labels": ["f0"]}, "labels"),
    ],
)
def test_a_bundle_with_a_wrong_background_is_refused(contents: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        Explainer(model(FEW, CLASSES, contents))


def test_a_bundle_without_background_says_so() -> None:
    tried = Explainer(model(FEW, CLASSES, {}))
    assert not tried.able
    with pytest.raises(Refusal, match="no background") as refusal:
        asyncio.run(tried.explain(np.zeros(FEW, np.float32)))
    assert refusal.value.status == 404


def heavy() -> Model:
    """A model whose explanations take a while."""
    weights = np.random.default_rng(4).normal(0, 0.1, (MANY, 512))
    return model(MANY, CLASSES, {"background": background(MANY, 128).tolist()}, network(MANY, 3, 5, weights))


def test_explanations_do_not_hold_up_the_loop_and_are_bounded() -> None:
    tried = Explainer(heavy())

    async def crowd() -> tuple[list[Any], list[float]]:
        asked = [asyncio.create_task(tried.explain(row)) for row in background(MANY, WAITING + 3, seed=5)]
        gaps = []
        while not all(task.done() for task in asked):
            begun = time.perf_counter()
            await asyncio.sleep(0.002)
            gaps.append(time.perf_counter() - begun)
        return await asyncio.gather(*asked, return_exceptions=True), gaps

    answers, gaps = asyncio.run(crowd())
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert [(each.status, each.headers) for each in refused] == [(429, (("retry-after", "1"),))] * 3
    assert len(answers) - len(refused) == WAITING
    assert len(gaps) > WAITING
    assert sorted(gaps)[len(gaps) // 2] < 0.25
