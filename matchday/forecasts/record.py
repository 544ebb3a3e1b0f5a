"""The record of forecasts: who said what before which kick-off.

    <root>/forecasts/...                       the table `Forecasts`: the forecast of each match by each version
    <root>/forecast_batches/<sha256>.json      every batch as it was made, never changed

A forecast may be replaced by a later one of the same version until its kick-off. Then it is locked: nothing replaces
it, also when the match is moved afterwards. The root is that of what was collected: what was said before a kick-off
cannot be said again.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from matchday.collected.layout import BATCHES
from matchday.errors import MatchdayError
from matchday.forecasts.batch import OUTCOMES, ForecastBatch
from matchday.forecasts.scheduled import OutcomeForecast, ScheduledMatch
from matchday.lake.reader import LakeReader

TABLE = "forecasts"


class RecordError(MatchdayError):
    """A forecast that may not be recorded, or a record that is not what was written."""


@dataclass(frozen=True)
class RecordedForecast:
    """A forecast as it stands in the record. batch: SHA-256 of the batch that it belongs to."""

    forecast: OutcomeForecast
    model: str
    version: str
    made_at: datetime
    batch: str

    def is_locked(self, now: datetime) -> bool:
        """Whether the kick-off has come that it was made for."""
        return self.forecast.match.kickoff <= now


@dataclass(frozen=True)
class Recorded:
    """What became of a batch. sha256: of the batch that was written; None when all of it was recorded before.

    rows: what stands in the record of the batch's matches. locked: matches that keep an earlier forecast.
    """

    sha256: str | None
    rows: tuple[RecordedForecast, ...]
    locked: tuple[str, ...] = ()

    @property
    def batches(self) -> tuple[str, ...]:
        """The batches that the rows belong to."""
        return tuple(dict.fromkeys(row.batch for row in self.rows))


class ForecastRecord:
    """The record below a root, `file://` (or a path) or `s3://`. Raises LakeError, StorageError."""

    def __init__(self, url: str) -> None:
        self._reader = LakeReader(url)

    def read(self, seasons: Iterable[str] | None = None) -> list[RecordedForecast]:
        """All recorded forecasts, or those of some seasons, by kick-off."""
        return [_read(row) for row in self._reader.rows(TABLE, seasons)]

    def add(self, batch: ForecastBatch, now: Callable[[], datetime]) -> Recorded:
        """Record a batch: its forecasts replace those of the same version and matches that are not locked.

        Forecasts that say what the record says already change nothing. Raises RecordError, and records nothing, when
        the batch was made in the future, or one of its matches has begun.
        """
        before = self._of(batch)
        moment = now()
        check_in_time(batch, moment)
        locked = {match for match, row in before.items() if row.is_locked(moment)}
        open_ones = tuple(one for one in batch.forecasts if one.match.match_id not in locked)
        kept = replace(batch, forecasts=open_ones)
        said = {match: row.forecast for match, row in before.items()}
        new = any(said.get(one.match.match_id) != one for one in open_ones)
        if new:
            self._write(kept)
        rows = self._of(batch) if new else before
        standing = tuple(rows[one.match.match_id] for one in batch.forecasts if one.match.match_id in rows)
        return Recorded(kept.sha256 if new else None, standing, tuple(sorted(locked & {*_ids(batch)})))

    def check(self) -> list[str]:
        """What is wrong with the record, a sentence each: a row that is not in its batch, a batch that was changed."""
        batches: dict[str, ForecastBatch | None] = {}
        wrong = []
        for row in self.read():
            if row.batch not in batches:
                batches[row.batch] = self._batch(row.batch)
            if not _holds(batches[row.batch], row):
                wrong.append(
                    f"the forecast of {row.forecast.match.match_id} by {row.model} version {row.version} is not what "
                    f"batch {row.batch[:12]} says"
                )
        return wrong

    def _of(self, batch: ForecastBatch) -> dict[str, RecordedForecast]:
        """What the record says of the batch's matches by its version, by match."""
        wanted = {*_ids(batch)}
        return {
            row.forecast.match.match_id: row
            for row in self.read({one.match.season for one in batch.forecasts})
            if (row.model, row.version) == (batch.model, batch.version) and row.forecast.match.match_id in wanted
        }

    def _write(self, batch: ForecastBatch) -> None:
        """The batch first: a row never names one that is not there."""
        from matchday.forecasts.record_rows import append_rows

        self._reader.storage.write(f"{BATCHES}/{batch.sha256}.json", batch.content)
        append_rows(self._reader.storage.url, batch)

    def _batch(self, sha256: str) -> ForecastBatch | None:
        """A batch as it was written; None when it is gone or is not what was written."""
        try:
            content = self._reader.storage.read(f"{BATCHES}/{sha256}.json")
            return ForecastBatch.parse(content) if hashlib.sha256(content).hexdigest() == sha256 else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def check_in_time(batch: ForecastBatch, now: datetime) -> None:
    """Raises RecordError unless the batch was made by now, and before each of its kick-offs, and those are to come."""
    if batch.made_at > now:
        raise RecordError(
            f"forecasts made at {batch.made_at:%Y-%m-%d %H:%M:%S} UTC cannot be recorded before: set the clock"
        )
    for one in batch.forecasts:
        if one.match.kickoff <= now or one.match.kickoff <= batch.made_at:
            raise RecordError(
                f"{one.match.match_id} has kicked off at {one.match.kickoff:%Y-%m-%d %H:%M} UTC: "
                "a forecast after the kick-off is not recorded"
            )


def _ids(batch: ForecastBatch) -> list[str]:
    return [one.match.match_id for one in batch.forecasts]


def _read(row: dict[str, Any]) -> RecordedForecast:
    home, draw, away = (float(row[name]) for name in OUTCOMES)
    forecast = OutcomeForecast(ScheduledMatch.of_row(row), (home, draw, away))
    made_at = row["made_at"].astimezone(UTC)
    return RecordedForecast(forecast, str(row["model"]), str(row["version"]), made_at, str(row["batch"]))


def _holds(batch: ForecastBatch | None, row: RecordedForecast) -> bool:
    """Whether a batch says what a row of the record does."""
    return (
        batch is not None
        and (batch.model, batch.version, batch.made_at) == (row.model, row.version, row.made_at)
        and row.forecast in batch.forecasts
    )
