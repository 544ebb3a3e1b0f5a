"""Descriptions of models: found by name, true of the code that trains, light to import."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.models.catalogue import KINDS, UnknownModelError, model_kind
from matchday.models.kind import ModelKind, ModelOutput, ScoreLimit

GOALS = some.lists(some.tuples(some.integers(0, 12), some.integers(0, 12)), min_size=1, max_size=30)


def test_a_model_is_found_by_its_name() -> None:
    assert model_kind("match-outcome").output.columns == ("H", "D", "A")
    assert [kind.name for kind in KINDS.values()] == list(KINDS)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("match_outcome", "no model 'match_outcome'; did you mean match-outcome?"),
        ("Match-Outcom", "no model 'Match-Outcom'; did you mean match-outcome?"),
        ("weather", f"no model 'weather'; there are: {', '.join(KINDS)}"),
        ("", f"no model ''; there are: {', '.join(KINDS)}"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_ones(name: str, told: str) -> None:
    with pytest.raises(UnknownModelError) as refused:
        model_kind(name)
    assert str(refused.value) == told


def test_the_catalogue_is_light_to_import() -> None:
    heavy = ("sklearn", "xgboost", "mlflow", "pandas", "onnxruntime", "scipy", "feast")
    program = f"import sys; import matchday.models.catalogue; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
@given(goals=GOALS)
def test_the_loss_is_a_finite_number_for_each_match_whatever_happened(
    kind: ModelKind, goals: list[tuple[int, int]]
) -> None:
    result = kind.result(*np.array(goals).T[: len(kind.result_of)])
    assert (result.shape, result.dtype) == ((len(goals),), np.int64)
    forecast = np.full((len(goals), len(kind.output.columns)), 1 / len(kind.output.columns))
    loss = kind.score.loss(forecast, result)
    assert loss.shape == (len(goals),)
    assert np.isfinite(loss).all()


def test_every_gate_names_baselines_that_the_model_has() -> None:
    for kind in KINDS.values():
        assert set(kind.gate.beats) <= set(kind.baselines)
        assert kind.score.margin > 0


def test_an_output_with_classes_has_a_column_for_each_and_a_number_has_one() -> None:
    assert (ModelOutput("p", ("H", "A")).columns, ModelOutput("p", ("H", "A")).shape) == (("H", "A"), (-1, 2))
    assert (ModelOutput("goals").columns, ModelOutput("goals").shape) == (("goals",), (-1,))


@given(bound=some.floats(0.1, 0.9), chance=some.floats(0, 1), matches=some.integers(1, 5000))
def test_a_limit_leaves_room_for_chance_that_shrinks_with_the_matches(
    bound: float, chance: float, matches: int
) -> None:
    low, high = ScoreLimit("accuracy", "too good", least=-bound, most=bound, chance=chance).bounds(matches)
    assert high == -low == pytest.approx(bound + chance / matches**0.5)
