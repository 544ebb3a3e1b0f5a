"""Paired scores of two versions: of their walk-forward forecasts, and of what they have forecast for people."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matchday.errors import MatchdayError
from matchday.models.catalogue import KINDS
from matchday.registry import Registry
from matchday.telemetry import logger
from rollout.observations.log import ForecastLog, LoggedForecast

if TYPE_CHECKING:
    from matchday.models.skill import MatchForecast
    from matchday.results import Results

MOST_LOGGED = 100_000
"""Entries of the log that a first look reads, the newest."""
MOST_KEPT = 50_000
"""Matches by version and kick-off of which a forecast is kept, the newest: more than anybody plays."""


class Key(NamedTuple):
    """What a forecast was of. kickoff: Unix seconds, as it was asked for."""

    model: str
    version: str
    home: str
    away: str
    kickoff: float


class Forecast(NamedTuple):
    """A forecast. time: of the answer, Unix seconds. numbers: the columns of the model's output."""

    time: float
    numbers: tuple[float, ...]


NEVER = Forecast(-math.inf, ())


class PairedScores:
    """Differences of the score by which versions of a model are compared, candidate minus champion.

    log: the prediction log, None where nothing is logged. results: as they stand, read again whenever they change. The
    log is read on from where the last look ended; of each match only the last forecast before its kick-off is kept.
    """

    def __init__(self, registry: Registry, log: ForecastLog | None, results: "Results") -> None:
        self._registry = registry
        self._results = results
        self._prediction_log = log
        self._place: Any = None
        self._forecasts: dict[Key, Forecast] = {}
        self._log = logger("rollout")

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> NDArray[np.float64] | None:
        """On the walk-forward forecasts of the last weeks that both have; None when they share none.

        Raises RegistryError.
        """
        from matchday.models.skill import walk_forward_differences

        found = walk_forward_differences(self._registry, model, stable, candidate, weeks)
        return found if len(found) else None

    def live(self, model: str, stable: str, candidate: str) -> NDArray[np.float64] | None:
        """On matches with a result by now that both have forecast before kick-off.

        None where nothing is logged, for a model that is not in the catalogue, and, with a warning in this log, while
        predictions or results cannot be read.
        """
        if self._prediction_log is None or (kind := KINDS.get(model)) is None:
            return None
        from matchday.models.skill import last_before_kickoff, loss_differences

        try:
            self._read_on(self._prediction_log)
            matches = self._results.matches()
        except MatchdayError as error:
            self._log.warning("no live scores", model=model, reason=str(error))
            return None
        versions = (candidate, stable)
        own, other = (last_before_kickoff(kind, self._said(model, version), matches) for version in versions)
        found = loss_differences(kind, own, other)
        return found if len(found) else None

    def _said(self, model: str, version: str) -> list["MatchForecast"]:
        """What a version has forecast."""
        from matchday.models.skill import MatchForecast

        kept = ((key, forecast) for key, forecast in self._forecasts.items() if key[:2] == (model, version))
        return [MatchForecast(key.home, key.away, key.kickoff, each.time, each.numbers) for key, each in kept]

    def _read_on(self, log: ForecastLog) -> None:
        entries, self._place = log.since(self._place, MOST_LOGGED)
        for entry in entries:
            key = _key(entry)
            if key is None or not self._forecasts.get(key, NEVER).time <= entry.time < key.kickoff:
                continue
            columns = KINDS[entry.model].output.columns
            self._forecasts[key] = Forecast(entry.time, tuple(entry.row.output[name] for name in columns))
        if len(self._forecasts) > MOST_KEPT:
            newest = sorted(self._forecasts.items(), key=lambda item: item[1].time)[-MOST_KEPT:]
            self._forecasts = dict(newest)


def _key(entry: LoggedForecast) -> Key | None:
    """What an entry forecasts; None when that is no match, as where features were given."""
    row, kind = entry.row, KINDS.get(entry.model)
    if kind is None or row.kickoff is None or set(row.output) != set(kind.output.columns):
        return None
    if not {"home", "away"} <= set(row.entities):
        return None
    return Key(entry.model, row.version, str(row.entities["home"]), str(row.entities["away"]), row.kickoff)
