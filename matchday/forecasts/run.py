"""One run: the coming matches forecast by a bundle, and the forecasts recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from matchday.bundle import Bundle
from matchday.calendar import check_past
from matchday.forecasts.next_matches import NextForecasts, forecast_next
from matchday.forecasts.record import ForecastRecord, Recorded
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.registry.names import CHAMPION as ALIAS
from matchday.registry.names import SCHEME
from matchday.settings import Settings

CHAMPION = f"{SCHEME}{MATCH_OUTCOME.name}@{ALIAS}"


@dataclass(frozen=True)
class ComingForecasts:
    """Forecasts of the coming matches. recorded: what became of them in the record; None when they were not recorded.

    unrecorded: why not, for people; empty when there was nothing to record.
    """

    made: NextForecasts
    recorded: Recorded | None
    unrecorded: str = ""

    @property
    def sentences(self) -> list[str]:
        """What became of the forecasts in the record, for people."""
        if self.recorded is None:
            return [self.unrecorded] if self.unrecorded else []
        kept = [f"{match} keeps the forecast that was locked at its first kick-off" for match in self.recorded.locked]
        if self.recorded.sha256:
            return [*kept, f"recorded as batch sha256 {self.recorded.sha256}; locked at each kick-off"]
        return [*kept, *(f"recorded before, in batch sha256 {batch}" for batch in self.recorded.batches)]


def read_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def forecast_and_record(
    settings: Settings, bundle: Bundle, as_of: datetime | None, weeks: int, clock: Callable[[], datetime]
) -> ComingForecasts:
    """Forecast the matches of the next gameweeks as of a moment, by default now.

    Forecasts as of another moment than now are not recorded: they were not made then. Raises CalendarError for a moment
    that is still to come, and what `forecast_next` and `ForecastRecord.add` raise.
    """
    now = clock()
    if as_of is not None:
        check_past(as_of, now)
    made = forecast_next(settings, bundle, as_of, weeks, now)
    if not made.batch.forecasts:
        return ComingForecasts(made, None)
    if as_of is not None:
        return ComingForecasts(made, None, f"not recorded: made as of {as_of:%Y-%m-%d %H:%M} UTC, and not then")
    return ComingForecasts(made, ForecastRecord(settings.collected).add(made.batch, clock))
