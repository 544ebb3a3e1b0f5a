"""Replay: both versions forecast the same rows, those that people have asked for first."""

import time
from collections.abc import Callable, Sequence

import httpx
import numpy as np

from matchday.telemetry import logger
from rollout.judge import Entities, FloatArray, Pairs
from rollout.observations.model_client import ModelClient, ModelMetadata, NoForecast
from rollout.observations.row import ReplayRow, RowSource
from rollout.sources import SourceError
from rollout.splitter import Endpoints
from serving.call import REPLAY_HEADER

CONNECT_SECONDS = 2.0


class RowReplay:
    """Asks both versions the rows of the first source, filled up from the next ones.

    A row with all features that both versions take is sent to them as features: both see the same numbers, and the
    logged answer of the stable version is used instead of asking it. Any other row is sent to both by its entities.
    Requests have ids that begin with `OWN_ID` and a header of their own: they are not read from the log, and servers
    count them apart from those of users.

    sources: of rows; the next one is used where one is down. token: for the servers, where they want one. seconds:
    timeout of a request. clock: Unix seconds.
    """

    def __init__(
        self,
        sources: Sequence[RowSource],
        token: str = "",
        seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sources = tuple(sources)
        headers = {REPLAY_HEADER: "1"} | ({"authorization": f"Bearer {token}"} if token else {})
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        self._client = httpx.Client(timeout=timeout, headers=headers, trust_env=False)
        self._clock = clock
        self._log = logger("rollout")

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        """Forecasts of both versions for the same rows, at most `rows`; NaN where the candidate gives none.

        Raises SourceError when a version cannot be reached, when the stable one answers nothing, and without rows.
        """
        stable, canary = self._model_client(model, endpoints.stable), self._model_client(model, endpoints.canary)
        known, other = self._metadata(stable, canary)
        by_features, by_entities = _divide(self._collect_rows(model, rows), known, other or known)
        now, width = self._clock(), len(known.classes)
        stable_forecasts = np.concatenate(
            [
                _stable_forecasts(stable, by_features, known, width),
                stable.forecast_entities(by_entities, known, width, now),
            ]
        )
        count = len(stable_forecasts)
        if not np.isfinite(stable_forecasts).all(axis=1).any():
            raise SourceError(f"the stable version of {model} answers none of {count} rows that both can be asked")
        rows_asked = (*by_features, *by_entities)
        entities = Entities.of_rows([list(map(str, row.entities.values())) for row in rows_asked])
        if other is None or len(other.classes) != width:
            return Pairs(stable_forecasts, np.full_like(stable_forecasts, np.nan), entities)
        canary_forecasts = np.concatenate(
            [
                canary.forecast_features(by_features, other, width),
                canary.forecast_entities(by_entities, other, width, now),
            ]
        )
        return Pairs(stable_forecasts, canary_forecasts, entities)

    def askable(
        self, model: str, endpoints: Endpoints, rows: int
    ) -> tuple[Sequence[tuple[ModelClient, ModelMetadata]], Sequence[tuple[ReplayRow, bool]]]:
        """Clients of stable and candidate, and at most so many rows that both can be asked, each by features or not.

        Raises SourceError when a version cannot be reached or described, and without rows.
        """
        stable, canary = self._model_client(model, endpoints.stable), self._model_client(model, endpoints.canary)
        known, other = self._metadata(stable, canary)
        if other is None:
            raise SourceError(f"the candidate of {model} gives no metadata")
        by_features, by_entities = _divide(self._collect_rows(model, rows), known, other)
        by_features = [row for row in by_features if _has_features(row, known)]
        asked = [*((row, True) for row in by_features), *((row, False) for row in by_entities)]
        if not asked:
            raise SourceError(f"there are no rows of {model} that both versions can be asked")
        return ((stable, known), (canary, other)), asked

    def _model_client(self, model: str, urls: Sequence[str]) -> ModelClient:
        if not urls:
            raise SourceError(f"{model} has no servers of one of its two versions")
        return ModelClient(self._client, model, urls)

    def _metadata(self, stable: ModelClient, canary: ModelClient) -> tuple[ModelMetadata, ModelMetadata | None]:
        """Metadata of both versions; None for a candidate that gives none."""
        try:
            known = stable.metadata()
        except NoForecast as error:
            raise SourceError(f"the stable version says nothing to compare with: {error}") from None
        try:
            return known, canary.metadata()
        except NoForecast as error:
            self._log.warning("the candidate gives no metadata", reason=str(error))
            return known, None

    def _collect_rows(self, model: str, most: int) -> list[ReplayRow]:
        rows: list[ReplayRow] = []
        for source in self._sources:
            try:
                rows += source.rows(model, most - len(rows))
            except SourceError as error:
                self._log.warning("a source has no rows", model=model, reason=str(error))
        if not rows:
            raise SourceError(f"there are no rows of {model} to ask: nothing is logged, and there are no pairings")
        return rows


def _divide(
    rows: Sequence[ReplayRow], stable: ModelMetadata, canary: ModelMetadata
) -> tuple[list[ReplayRow], list[ReplayRow]]:
    """Rows to ask by features, and rows to ask by entities; rows that allow neither are left out."""
    by_features, by_entities = [], []
    for row in rows:
        if _has_features(row, canary) and (_is_answered(row, stable) or _has_features(row, stable)):
            by_features.append(row)
        elif stable.inputs and _has_inputs(row, stable) and _has_inputs(row, canary):
            by_entities.append(row)
    return by_features, by_entities


def _has_inputs(row: ReplayRow, metadata: ModelMetadata) -> bool:
    """Whether a version may be asked for the row by its entities and numbers."""
    known = all(row.number(name) is not None for name in metadata.numbers)
    return known and set(metadata.inputs) <= set(row.entities)


def _has_features(row: ReplayRow, metadata: ModelMetadata) -> bool:
    """Whether a version may be given the row's features: it takes columns of these names, which mean the same."""
    services = {row.feature_service, metadata.feature_service} - {""}
    known = all(row.features.get(name) is not None for name in metadata.columns)
    return bool(metadata.columns) and known and len(services) < 2


def _is_answered(row: ReplayRow, stable: ModelMetadata) -> bool:
    """Whether the row has a logged answer of the stable version."""
    return row.version == stable.version and set(row.output) == set(stable.classes)


def _stable_forecasts(
    client: ModelClient, rows: Sequence[ReplayRow], metadata: ModelMetadata, width: int
) -> FloatArray:
    """Forecasts of the stable version from features: as logged, or asked now."""
    found = np.full((len(rows), width), np.nan)
    unanswered = [index for index, row in enumerate(rows) if not _is_answered(row, metadata)]
    for index in set(range(len(rows))) - set(unanswered):
        found[index] = [rows[index].output[name] for name in metadata.classes]
    found[unanswered] = client.forecast_features([rows[index] for index in unanswered], metadata, width)
    return found
