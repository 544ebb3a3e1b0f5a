"""Paired scores of two versions: on their walk-forward forecasts, and on logged forecasts with a result by now."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from matchday.errors import MatchdayError
from matchday.models.catalogue import KINDS
from matchday.models.kind import Subject
from matchday.registry import Registry
from rollout.judge import FloatArray
from rollout.observations.log import ForecastLog, LoggedForecast
from rollout.sources import SourceError

if TYPE_CHECKING:
    from matchday.models.skill import GivenForecast
    from matchday.results import Results

MOST_LOGGED = 100_000
"""Entries of the log that are read at first, the newest."""
MOST_KEPT = 50_000
"""Forecasts kept in memory, the newest: one for each version and match."""


class ForecastKey(NamedTuple):
    """The match and version of a forecast. entities: in the order of the model's inputs.

    kickoff: Unix seconds, as given in the request.
    """

    model: str
    version: str
    entities: tuple[str | int, ...]
    kickoff: float


class KeptForecast(NamedTuple):
    """A forecast. time: of the answer, Unix seconds. numbers: the columns of the model's output."""

    time: float
    numbers: tuple[float, ...]


NONE = KeptForecast(-math.inf, ())


class PairedScores:
    """Differences of the model's score, candidate minus champion.

    log: the prediction log, None where nothing is logged. results: read again whenever they change. The log is read on
    from the last position; of each match only the last forecast before its kick-off is kept.
    """

    def __init__(self, registry: Registry, log: ForecastLog | None, results: "Results") -> None:
        self._registry = registry
        self._results = results
        self._prediction_log = log
        self._position: Any = None
        self._forecasts: dict[ForecastKey, KeptForecast] = {}

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> FloatArray | None:
        """On walk-forward forecasts of the last weeks that both versions have.

        None when they share none, and for a model that is not in the catalogue. Raises RegistryError, and SourceError
        for forecasts that are damaged.
        """
        if model not in KINDS:
            return None
        from matchday.models.skill import walk_forward_differences

        try:
            found = walk_forward_differences(self._registry, model, stable, candidate, weeks)
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise SourceError(
                f"walk-forward forecasts of {model} {stable} or {candidate} are damaged: {reason}"
            ) from None
        return found if len(found) else None

    def live(self, model: str, stable: str, candidate: str) -> FloatArray | None:
        """On matches with a result that both versions forecast before kick-off.

        None where nothing is logged, for a model that is not in the catalogue, and before the first result. Raises
        SourceError while predictions or results cannot be read.
        """
        if self._prediction_log is None or (kind := KINDS.get(model)) is None:
            return None
        from matchday.models.skill import last_before_kickoff, match_differences

        try:
            self._read_log(self._prediction_log)
            if not self._results.written():
                return None
            played = self._results.matches() if kind.subject is Subject.MATCH else self._results.appearances()
        except MatchdayError as error:
            raise SourceError(f"scores of matches played since: {error}") from None
        versions = (candidate, stable)
        own, other = (last_before_kickoff(kind, self._logged(model, version), played) for version in versions)
        found = match_differences(kind, own, other)
        return found if len(found) else None

    def _logged(self, model: str, version: str) -> list["GivenForecast"]:
        """The logged forecasts of a version."""
        from matchday.models.skill import GivenForecast

        kept = ((key, forecast) for key, forecast in self._forecasts.items() if key[:2] == (model, version))
        return [GivenForecast(key.entities, key.kickoff, each.time, each.numbers) for key, each in kept]

    def _read_log(self, log: ForecastLog) -> None:
        entries, self._position = log.since(self._position, MOST_LOGGED)
        for entry in entries:
            key = _key(entry)
            if key is None or not self._forecasts.get(key, NONE).time <= entry.time < key.kickoff:
                continue
            columns = KINDS[entry.model].output.columns
            self._forecasts[key] = KeptForecast(entry.time, tuple(entry.row.output[name] for name in columns))
        if len(self._forecasts) > MOST_KEPT:
            newest = sorted(self._forecasts.items(), key=lambda item: item[1].time)[-MOST_KEPT:]
            self._forecasts = dict(newest)


def _key(entry: LoggedForecast) -> ForecastKey | None:
    """The match of an entry; None for no match, as where features were given, and for another output."""
    row, kind = entry.row, KINDS.get(entry.model)
    if kind is None or row.kickoff is None or set(row.output) != set(kind.output.columns):
        return None
    types = {each.name: int if each.datatype == "INT64" else str for each in kind.inputs}
    if any(type(row.entities.get(name)) is not wanted for name, wanted in types.items()):
        return None
    return ForecastKey(entry.model, row.version, tuple(row.entities[name] for name in types), row.kickoff)
