"""Rows that both versions answer: what people have asked for, then a panel."""

import time
from collections.abc import Callable, Sequence

import httpx
import numpy as np

from matchday.telemetry import logger
from rollout.judge import FloatArray, Pairs
from rollout.observations.model_client import ModelClient, ModelMetadata, NoAnswer
from rollout.observations.row import ReplayRow, RowSource
from rollout.sources import SourceError
from rollout.splitter import Endpoints


class RowReplay:
    """Asks both versions the rows of the first source, filled up from the next ones.

    A row whose logged features are all that both versions take goes to them as those features: both see the same
    numbers, and what the stable version has answered then counts. Any other row goes to both by its entities. Neither
    is logged as evidence: ids of these requests begin with `OWN_ID`.

    sources: may be down, then the next one is asked. token: where the servers want one. seconds: what they have for a
    request. clock: Unix seconds.
    """

    def __init__(
        self,
        sources: Sequence[RowSource],
        token: str = "",
        seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sources = tuple(sources)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(timeout=httpx.Timeout(seconds, connect=2.0), headers=headers, trust_env=False)
        self._clock = clock
        self._log = logger("rollout")

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        """The answers of both to the same rows, at most `rows`, NaN where the candidate gives none.

        Raises SourceError when a version cannot be reached, when the stable one answers nothing, and for no rows.
        """
        stable, canary = self._servers(model, endpoints.stable), self._servers(model, endpoints.canary)
        known, other = self._signatures(stable, canary)
        raw, named = _divided(self._rows(model, rows), known, other or known)
        now, width = self._clock(), len(known.classes)
        found = np.concatenate([_raw(stable, raw, known, width), stable.named(named, known, width, now)])
        if not np.isfinite(found).all(axis=1).any():
            raise SourceError(f"the stable version of {model} answers none of {len(found)} rows that both can be asked")
        if other is None or len(other.classes) != width:
            return Pairs(found, np.full_like(found, np.nan))
        return Pairs(found, np.concatenate([canary.raw(raw, other, width), canary.named(named, other, width, now)]))

    def _servers(self, model: str, urls: Sequence[str]) -> ModelClient:
        if not urls:
            raise SourceError(f"{model} has no servers of one of its two versions")
        return ModelClient(self._client, model, urls)

    def _signatures(self, stable: ModelClient, canary: ModelClient) -> tuple[ModelMetadata, ModelMetadata | None]:
        """What both take and give; None for a candidate that does not say."""
        try:
            known = stable.signature()
        except NoAnswer as error:
            raise SourceError(f"the stable version says nothing to compare with: {error}") from None
        try:
            return known, canary.signature()
        except NoAnswer as error:
            self._log.warning("the candidate does not say what it takes", reason=str(error))
            return known, None

    def _rows(self, model: str, most: int) -> list[ReplayRow]:
        rows: list[ReplayRow] = []
        for source in self._sources:
            try:
                rows += source.rows(model, most - len(rows))
            except SourceError as error:
                self._log.warning("no rows", model=model, reason=str(error))
        if not rows:
            raise SourceError(f"there are no rows of {model} to ask: nothing is logged, and there is no panel")
        return rows


def _divided(
    rows: Sequence[ReplayRow], stable: ModelMetadata, canary: ModelMetadata
) -> tuple[list[ReplayRow], list[ReplayRow]]:
    """Rows to ask by their features, and rows to ask by name; what can be asked neither way is left out."""
    raw, named = [], []
    for row in rows:
        if _covers(row, canary) and (_answered(row, stable) or _covers(row, stable)):
            raw.append(row)
        elif {*stable.inputs, *canary.inputs} <= set(row.entities) and stable.inputs:
            named.append(row)
    return raw, named


def _covers(row: ReplayRow, signature: ModelMetadata) -> bool:
    return bool(signature.columns) and all(row.features.get(name) is not None for name in signature.columns)


def _answered(row: ReplayRow, stable: ModelMetadata) -> bool:
    return row.version == stable.version and set(row.output) == set(stable.classes)


def _raw(servers: ModelClient, rows: Sequence[ReplayRow], signature: ModelMetadata, width: int) -> FloatArray:
    """What the stable version says to rows by their features: as it was logged, or asked now."""
    found = np.full((len(rows), width), np.nan)
    asked = [place for place, row in enumerate(rows) if not _answered(row, signature)]
    for place in set(range(len(rows))) - set(asked):
        found[place] = [rows[place].output[name] for name in signature.classes]
    found[asked] = servers.raw([rows[place] for place in asked], signature, width)
    return found
