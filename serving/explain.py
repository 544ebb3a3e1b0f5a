"""Why a model answers as it does: what each feature adds to the forecast, in Shapley values.

A forecast with classes is explained on log-probabilities, so that the difference of two classes explains their
log-odds; a regression is explained on its number. Whatever a feature is worth, it is worth compared with the bundle's
background, matches of the training data: base is the mean over them, and for each class

    base + sum of the features' contributions = what is explained

to the rounding of floats, by construction. Features that one can enumerate get exact Shapley values (Lundberg and Lee,
2017, interventional); of more, each background match gets one random order and its reverse (antithetic permutations;
Mitchell and others, 2022), always the same ones, so the same request has the same answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.model import Matrix, Model, ModelError
from serving.protocol.errors import Refusal

Array = npt.NDArray[np.float64]

MOST_ROWS = 8192
"""Rows of the graph per explanation, about 10 ms for this project's; a larger background is thinned to fit."""
RUN = 512
"""Rows that go through the graph at once: of more, what it computes on the way falls out of the processor's cache."""
ENUMERATED = 10
"""Up to so many features that differ from the background, all their coalitions are tried, if `MOST_ROWS` allow it."""
WAITING = 16
"""Explanations that may wait for the one being made; beyond it 429."""
LEAST = 1e-30
"""A probability below it counts as it: logarithms need one."""
SEED = 20


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row explained. base, value: (c,) for c classes or 1. contributions: (k, c) for k features."""

    base: Array
    contributions: Array
    value: Array


class Explainer:
    """Explains one model. Raises ModelError when the bundle's explainer.json does not fit its signature."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.classes = tuple(model.signature.classes)
        self.names = model.signature.columns
        self.labels = _labels(model.explainer, self.names)
        self.background = _background(model.explainer, len(self.names))
        self._waiting = 0

    @property
    def able(self) -> bool:
        """Whether the bundle has a background to compare with."""
        return len(self.background) > 0

    def require_able(self) -> None:
        """Raises Refusal (404) without a background."""
        if not self.able:
            raise Refusal(
                f"{self.model.signature.model} cannot be explained: its bundle has no background",
                HTTPStatus.NOT_FOUND,
            )

    async def explain(self, row: Matrix) -> Explanation:
        """Explain features (k,), off the event loop. Raises Refusal (404, 429) and NotFinite."""
        self.require_able()
        if self._waiting >= WAITING:
            raise Refusal(
                f"{WAITING} explanations are waiting already: ask again in a second",
                HTTPStatus.TOO_MANY_REQUESTS,
                (("retry-after", "1"),),
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self.explained, row)
        finally:
            self._waiting -= 1

    def explained(self, row: Matrix) -> Explanation:
        """Explain features (k,), here and now. Raises NotFinite, with rows of its own."""
        players = np.flatnonzero((self.background != row).any(axis=0))
        exact = len(players) <= ENUMERATED and len(self.background) << len(players) <= MOST_ROWS
        contributions = np.zeros((len(self.names), self._base.shape[1]))
        if len(players):
            contributions[players] = self._enumerated(row, players) if exact else self._sampled(row, players)
        base = self._base.mean(axis=0)
        return Explanation(base, contributions, base + contributions.sum(axis=0))

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, f"explain-{self.model.signature.model}")

    @cached_property
    def _base(self) -> Array:
        """What is explained of each background row, (m, c)."""
        return self._explicand(self.background)

    @cached_property
    def _keys(self) -> Array:
        """Numbers (m, k) whose order, among any of the features, is each background row's random order of them."""
        return np.random.default_rng(SEED).random(self.background.shape)

    def _enumerated(self, row: Matrix, players: npt.NDArray[np.intp]) -> Array:
        """Exact Shapley values (p, c): every coalition of p players over the whole background."""
        count = len(players)
        coalitions = np.arange(1 << count)
        masks = (coalitions[:, None] >> np.arange(count)) & 1 == 1
        worth = self._worth(row, players, np.repeat(masks[:, None], len(self.background), axis=1)).mean(axis=1)
        weights = np.array([factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)])
        values = np.empty((count, worth.shape[1]))
        for player in range(count):
            without = coalitions[~masks[:, player]]
            gains = worth[without | (1 << player)] - worth[without]
            values[player] = weights[masks[without].sum(axis=1)] @ gains
        return values

    def _sampled(self, row: Matrix, players: npt.NDArray[np.intp]) -> Array:
        """Shapley values (p, c) from one order of the p players per background row, and its reverse."""
        count = len(players)
        places = self._keys[:, players].argsort(axis=1).argsort(axis=1)
        both = np.stack([places, count - 1 - places])
        masks = both[:, None] < np.arange(count + 1)[:, None, None]
        walks = self._walks(row, players, masks)
        gains = np.diff(walks, axis=1).transpose(0, 2, 1, 3)
        values: Array = np.take_along_axis(gains, both[..., None], axis=2).mean(axis=(0, 1))
        return values

    def _walks(self, row: Matrix, players: npt.NDArray[np.intp], masks: npt.NDArray[np.bool_]) -> Array:
        """What is explained (2, p + 1, m, c) on the way from each background row to `row`, one player a step."""
        walks = np.empty((*masks.shape[:3], self._base.shape[1]))
        walks[:, 0] = self._base
        walks[:, -1] = self._explicand(row[None])
        walks[:, 1:-1] = self._worth(row, players, masks[:, 1:-1])
        return walks

    def _worth(self, row: Matrix, players: npt.NDArray[np.intp], masks: npt.NDArray[np.bool_]) -> Array:
        """What is explained (..., m, c) with the players in masks (..., m, p) as in `row`, the rest background."""
        inputs = np.broadcast_to(self.background, (*masks.shape[:-1], len(self.names))).copy()
        inputs[..., players] = np.where(masks, row[players], inputs[..., players])
        flat = self._explicand(inputs.reshape(-1, len(self.names)))
        return flat.reshape(*masks.shape[:-1], -1)

    def _explicand(self, features: Matrix) -> Array:
        """What is explained (n, c) of features (n, k)."""
        runs = [self.model.predict(features[at : at + RUN]) for at in range(0, len(features), RUN)]
        output = np.concatenate(runs).astype(float).reshape(len(features), -1)
        return np.log(np.maximum(output, LEAST)) if self.classes else output


def describe_explanation(explainer: Explainer, row: Matrix, explanation: Explanation) -> dict[str, Any]:
    """An explanation in words a person understands, the features that matter most first."""
    order = np.argsort(-np.abs(explanation.contributions).max(axis=1), kind="stable")
    value = np.exp(explanation.value) if explainer.classes else explanation.value
    return {
        "prediction": _by_class(explainer.classes, value),
        "explained": "log-probability" if explainer.classes else "prediction",
        "base": _by_class(explainer.classes, explanation.base),
        "value": _by_class(explainer.classes, explanation.value),
        "contributions": [
            {
                "feature": explainer.names[index],
                "label": explainer.labels[index],
                "value": float(row[index]) if np.isfinite(row[index]) else None,
                "contribution": _by_class(explainer.classes, explanation.contributions[index]),
            }
            for index in order.tolist()
        ],
    }


def _by_class(classes: Sequence[str], numbers: Array) -> dict[str, float] | float:
    values: list[float] = numbers.tolist()
    return dict(zip(classes, values, strict=True)) if classes else values[0]


def _background(explainer: Mapping[str, Any], width: int) -> Matrix:
    """The background rows (m, k), thinned evenly so that an explanation needs at most `MOST_ROWS` of the graph."""
    try:
        rows = np.array(explainer.get("background", []), np.float32)
    except (TypeError, ValueError):
        raise ModelError("explainer.json: background must be rows of numbers") from None
    if not rows.size:
        return np.empty((0, width), np.float32)
    if rows.ndim != 2 or rows.shape[1] != width or not np.isfinite(rows).all():
        raise ModelError(f"explainer.json: background must be finite numbers of shape [n, {width}], found {rows.shape}")
    most = max(1, MOST_ROWS // max(1, 2 * (width - 1)))
    return np.ascontiguousarray(rows[:: -(-len(rows) // most)])


def _labels(explainer: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    labels = explainer.get("labels", {})
    if not isinstance(labels, dict):
        raise ModelError("explainer.json: labels must be an object of feature names")
    return tuple(str(labels.get(name, name)) for name in names)
