"""Warm-up check: a model answers the training matches that its bundle brings, before any client asks it."""

import numpy as np

from serving.model import Matrix, Model, ModelError
from serving.protocol.errors import NotFinite

SINGLE_ROWS = 32
"""How many of the rows are also run alone."""

TOLERANCE = 1e-4


def warm(model: Model) -> None:
    """Run the background rows of the bundle, alone and together.

    Raises ModelError when an answer is not finite, is not a probability, depends on the other rows of a batch, or on
    whether further outputs are asked for. A bundle without such rows passes.
    """
    rows = _background(model)
    if not len(rows):
        return
    single = range(min(len(rows), SINGLE_ROWS))
    try:
        together = model.predict(rows)
        alone = np.concatenate([model.predict(rows[index : index + 1]) for index in single])
    except NotFinite as error:
        raise ModelError(f"{_title(model)} fails on matches of its own training data: {error}") from None
    if not _same(alone, together[: len(alone)]):
        raise ModelError(f"{_title(model)} answers a match differently alone and in a batch")
    if model.signature.classes:
        sums = together.sum(axis=1)
        if together.min() < 0 or not np.allclose(sums, 1, atol=TOLERANCE):
            raise ModelError(
                f"{_title(model)} gives numbers that are no probabilities on matches of its own training data"
            )
    if model.signature.further:
        _warm_further(model, rows, together, single)


def _warm_further(model: Model, rows: Matrix, forecasts: Matrix, single: range) -> None:
    names = [each.name for each in model.signature.further]
    try:
        together = model.predict_further(rows, names)
        alone = [model.predict_further(rows[index : index + 1], names) for index in single]
    except NotFinite as error:
        raise ModelError(f"{_title(model)} fails on matches of its own training data: {error}") from None
    if not _same(together[0], forecasts):
        raise ModelError(f"{_title(model)} forecasts otherwise when further outputs are asked for")
    for place, (name, output) in enumerate(zip(names, together[1:], strict=True), 1):
        if not _same(np.concatenate([each[place] for each in alone]), output[: len(alone)]):
            raise ModelError(f"{_title(model)} answers {name} of a match differently alone and in a batch")


def _same(one: Matrix, other: Matrix) -> bool:
    return np.allclose(one, other, atol=TOLERANCE, rtol=TOLERANCE)


def _background(model: Model) -> Matrix:
    """FP32 (n, k); no rows when the bundle has none."""
    width = len(model.signature.columns)
    given = model.explainer.get("background") or []
    try:
        rows = np.asarray(given, np.float32)
    except (TypeError, ValueError):
        rows = np.empty(0, np.float32)
    if given and rows.shape != (len(given), width):
        raise ModelError(f"the background of {_title(model)} is not rows of {width} numbers")
    return rows


def _title(model: Model) -> str:
    return f"{model.signature.model} {model.version}"
