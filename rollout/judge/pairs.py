"""Paired forecasts: those of both versions for the same rows, and whom each row is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rollout.judge.arrays import FloatArray

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Entities:
    """Whom rows are about. names: of the entities. codes: (n, m) numbers of the names in each row, or `NOBODY`."""

    names: tuple[str, ...] = ()
    codes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[str]]) -> "Entities":
        """Of rows with some names each, such as two teams."""
        number: dict[str, int] = {}
        codes = np.full((len(rows), max(map(len, rows), default=0)), NOBODY, np.int64)
        for index, names in enumerate(rows):
            codes[index, : len(names)] = [number.setdefault(name, len(number)) for name in names]
        return cls(tuple(number), codes)

    def select(self, wanted: NDArray[np.bool_]) -> "Entities":
        """Of some of the rows."""
        return self if wanted.all() or not self.codes.size else Entities(self.names, self.codes[wanted])

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(names,) rows of each entity."""
        parts = [np.bincount(own, minlength=len(self.names)) for own, _ in self._columns]
        return np.sum(parts, axis=0, dtype=np.int64) if parts else np.zeros(len(self.names), np.int64)

    def sums(self, values: FloatArray) -> FloatArray:
        """(names,) sums of (n,) values over the rows of each entity."""
        parts = [np.bincount(own, values[at], len(self.names)) for own, at in self._columns]
        return np.asarray(np.sum(parts, axis=0))

    @cached_property
    def _columns(self) -> list[tuple[NDArray[np.int64], NDArray[np.bool_] | slice]]:
        """Codes of each column, and the rows that have one."""
        columns = [np.ascontiguousarray(column) for column in self.codes.T]
        if not self.codes.size or self.codes.min() > NOBODY:
            return [(column, slice(None)) for column in columns]
        return [(column[column > NOBODY], column > NOBODY) for column in columns]

    def rows(self, number: int) -> NDArray[np.bool_]:
        """(n,) whether a row is about an entity."""
        return np.asarray((self.codes == number).any(axis=1))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Forecasts of both versions for the same rows: (n, k) each, NaN where a version gave no number.

    k classes with their probabilities, or k = 1 for a number such as goals. entities: of the rows; none when they are
    not known. Raises ValueError for other shapes.
    """

    stable: FloatArray
    canary: FloatArray
    entities: Entities = field(default_factory=Entities)

    def __post_init__(self) -> None:
        if np.ndim(self.stable) != 2 or np.shape(self.stable) != np.shape(self.canary):
            raise ValueError(f"pairs are (n, k) each, not {np.shape(self.stable)} and {np.shape(self.canary)}")
        if len(self.entities.codes) not in (0, len(self.stable)):
            raise ValueError(f"{len(self.stable)} rows have entities of {len(self.entities.codes)}")
