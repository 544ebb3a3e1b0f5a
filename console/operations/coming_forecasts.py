"""Forecasts of the coming gameweeks by the latest champion."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from matchday import calendar, telemetry
from matchday.bundle import read_bundle
from matchday.forecasts.record import ForecastRecord
from matchday.forecasts.run import CHAMPION, ComingForecasts, forecast_and_record
from matchday.forecasts.scores import ScoredForecast, mean_rps, score_recorded
from matchday.lake.reader import LakeReader
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.settings import Settings
from serving.storage import fetch, open_registry


def read_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def forecast_coming(as_of: str | None, weeks: int, clock: Callable[[], datetime] | None = None) -> ComingForecasts:
    """Forecast the matches of the next gameweeks with the latest champion, and record the forecasts.

    as_of: a moment; None means now. clock: by default that of this machine. Raises MatchdayError.
    """
    settings = Settings()
    settings.make_home()
    moment = calendar.parse(as_of) if as_of else None
    with telemetry.span("forecast next", weeks=weeks):
        champion = fetch(CHAMPION, settings.home, open_registry(settings.tracking_uri))
        return forecast_and_record(settings, read_bundle(champion.folder), moment, weeks, clock or read_clock)


@dataclass(frozen=True)
class RecordSummary:
    """The record of forecasts. scored: each forecast beside its result. rps: the mean of those that have a result.

    wrong: a sentence for each forecast that is not what its batch says.
    """

    scored: list[ScoredForecast]
    rps: float | None
    wrong: list[str]


def read_record() -> RecordSummary:
    """The recorded forecasts beside the results, each compared with its batch. Raises LakeError."""
    settings = Settings()
    record = ForecastRecord(settings.collected)
    scored = score_recorded(record.read(), LakeReader(settings.lake))
    return RecordSummary(scored, mean_rps(scored), record.check())


def describe_record(summary: RecordSummary) -> dict[str, Any]:
    """The record as JSON can hold it."""
    return {
        "rps": summary.rps,
        "wrong": summary.wrong,
        "forecasts": [
            {
                "match_id": one.row.forecast.match.match_id,
                "gameweek": one.row.forecast.match.gameweek,
                "kickoff": _text(one.row.forecast.match.kickoff),
                "model": one.row.model,
                "model_version": one.row.version,
                "made_at": _text(one.row.made_at),
                "batch": one.row.batch,
                "probabilities": dict(zip(MATCH_OUTCOME.output.labels, one.row.forecast.probabilities, strict=True)),
                "goals": one.goals,
                "rps": one.rps,
            }
            for one in summary.scored
        ],
    }


def describe_coming(result: ComingForecasts) -> dict[str, Any]:
    """Forecasts as JSON can hold them."""
    made, recorded = result.made, result.recorded
    batches = {} if recorded is None else {row.forecast.match.match_id: row.batch for row in recorded.rows}
    data = made.data
    return {
        "as_of": _text(made.as_of),
        "model": made.batch.model,
        "model_version": made.batch.version,
        "season": made.coming.season,
        "gameweeks": list(made.coming.gameweeks),
        "summary": made.sentence,
        "data": {
            "known_at": data.known and _text(data.known),
            "age_seconds": None if data.age is None else int(data.age.total_seconds()),
            "fetched_at": data.fetched and _text(data.fetched),
            "features_at": data.played and _text(data.played),
            "silent_sources": [
                {
                    "source": one.source,
                    "since": one.failing_since,
                    "last_success": one.last_success,
                    "reason": one.reason,
                }
                for one in data.silent
            ],
        },
        "forecasts": [
            {
                "match_id": one.match.match_id,
                "season": one.match.season,
                "gameweek": one.match.gameweek,
                "kickoff": _text(one.match.kickoff),
                "home": one.match.home,
                "away": one.match.away,
                "probabilities": dict(zip(MATCH_OUTCOME.output.labels, one.probabilities, strict=True)),
                "model_version": made.batch.version,
                "batch": batches.get(one.match.match_id),
            }
            for one in made.batch.forecasts
        ],
        "batches": [] if recorded is None else list(recorded.batches),
        "new_batch": recorded and recorded.sha256,
        "locked": [] if recorded is None else list(recorded.locked),
        "recorded": recorded is not None,
        "notes": [*made.notes, *filter(None, [result.unrecorded])],
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
