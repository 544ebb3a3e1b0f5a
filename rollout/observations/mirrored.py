"""Answers to copied requests, from the prediction log: those of both versions, paired by the request's id."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from rollout.judge import Entities, Pairs
from rollout.observations.log import ForecastLog, LoggedForecast
from rollout.observations.row import ReplayRow

MOST_READ = 20_000
"""Entries of the log that are read at first, the newest."""
MOST_WAITING = 20_000
"""Answers kept until that of the other version is read."""
MOST_PAIRS = 1000
"""Different questions: a popular match that is asked again and again says nothing new."""


class MirroredAnswers:
    """Pairs of answers for each model, read on from the last position of the log.

    A request needs an id of its client's to be paired: a server gives a request without one an id of its own.
    """

    def __init__(self, log: ForecastLog) -> None:
        self._log = log
        self._pairings: dict[str, Pairing] = {}

    def pairs(self, model: str, stable: str, candidate: str) -> Pairs | None:
        """Answers of both versions to the same requests, each question once; None where there are none.

        Raises SourceError when the log cannot be read.
        """
        pairing = self._pairings.get(model)
        if pairing is None or pairing.versions != (stable, candidate):
            pairing = self._pairings[model] = Pairing(model, stable, candidate)
        entries, pairing.position = self._log.since(pairing.position, MOST_READ)
        for entry in entries:
            pairing.add(entry)
        return pairing.pairs()


class Pairing:
    """Answers of two versions of one model. position: of the log up to which it was read."""

    def __init__(self, model: str, stable: str, candidate: str) -> None:
        self.versions = (stable, candidate)
        self.position: Any = None
        self._model = model
        self._waiting: dict[Hashable, ReplayRow] = {}
        self._found: dict[Hashable, tuple[ReplayRow, ReplayRow]] = {}

    def add(self, entry: LoggedForecast) -> None:
        """Pair an answer with that of the other version, or keep it until that is read."""
        row = entry.row
        if entry.model != self._model or row.version not in self.versions:
            return
        request = (entry.id, tuple(row.entities.items()), () if row.entities else tuple(row.features.items()))
        other = self._waiting.get(request)
        if other is None or other.version == row.version:
            self._waiting[request] = row
            if len(self._waiting) > MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
            return
        del self._waiting[request]
        stable, canary = (row, other) if row.version == self.versions[0] else (other, row)
        question = (tuple(stable.entities.items()), stable.kickoff, tuple(stable.features.items()))
        if question in self._found or len(self._found) < MOST_PAIRS:
            self._found[question] = (stable, canary)

    def pairs(self) -> Pairs | None:
        """The pairs so far; NaN for an answer with other columns than the stable version's first one has."""
        if not self._found:
            return None
        rows = list(self._found.values())
        columns = list(rows[0][0].output)
        stable, canary = (np.array([_numbers(pair[side], columns) for pair in rows]) for side in (0, 1))
        return Pairs(stable, canary, Entities.of_rows([list(map(str, row.entities.values())) for row, _ in rows]))


def _numbers(row: ReplayRow, columns: list[str]) -> list[float]:
    known = set(row.output) == set(columns)
    return [row.output[name] if known else float("nan") for name in columns]
