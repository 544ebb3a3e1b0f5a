"""Forecasts of the coming gameweeks: made, recorded before their kick-offs, scored afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from matchday import calendar, telemetry
from matchday.bundle import read_bundle
from matchday.forecasts.next_matches import NextForecasts, forecast_next
from matchday.forecasts.record import ForecastRecord, Recorded
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.settings import Settings
from serving.storage import fetch, open_registry

CHAMPION = f"mlflow://{MATCH_OUTCOME.name}@champion"


@dataclass(frozen=True)
class ComingForecasts:
    """Forecasts of the coming matches. recorded: what became of them in the record; None when they were not recorded.

    unrecorded: why not, for people.
    """

    made: NextForecasts
    recorded: Recorded | None
    unrecorded: str = ""


def read_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def forecast_coming(
    as_of: str | None, weeks: int, *, record: bool = True, clock: Callable[[], datetime] = read_clock
) -> ComingForecasts:
    """Forecast the matches of the next gameweeks with the latest champion, and record the forecasts.

    as_of: a moment; None means now. Forecasts as of another moment than now are not recorded: they were not made then.
    Raises MatchdayError.
    """
    settings = Settings()
    settings.make_home()
    moment = calendar.parse(as_of) if as_of else None
    now = clock()
    if moment is not None and moment > now:
        raise calendar.CalendarError(f"nothing is known as of {moment:%Y-%m-%d %H:%M} UTC yet: choose a moment until now")
    with telemetry.span("forecast next", weeks=weeks):
        stored = fetch(CHAMPION, settings.home, open_registry(settings.tracking_uri))
        made = forecast_next(settings, read_bundle(stored.folder), moment, weeks, now)
        if not made.batch.forecasts:
            return ComingForecasts(made, None)
        if moment is not None:
            return ComingForecasts(made, None, f"not recorded: made as of {moment:%Y-%m-%d %H:%M} UTC, and not then")
        if not record:
            return ComingForecasts(made, None, "not recorded")
        return ComingForecasts(made, ForecastRecord(settings.collected).add(made.batch, clock))


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
                {"source": one.source, "since": one.failing_since, "last_success": one.last_success, "reason": one.reason}
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
