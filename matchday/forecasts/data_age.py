"""How old the data of a forecast are, and which sources are silent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from matchday.collected.standings import SourceStanding, read_standings
from matchday.storage import Storage


@dataclass(frozen=True)
class DataAge:
    """The age of the data at a moment.

    fetched: when a source last gave its data, None when none did before the moment. played: when the last match that
    the features know of had ended, or their season opened. silent: sources that did not give their data when they
    were last asked.
    """

    as_of: datetime
    fetched: datetime | None
    played: datetime | None
    silent: tuple[SourceStanding, ...] = ()

    @property
    def known(self) -> datetime | None:
        """The moment that the data are of."""
        return self.fetched or self.played

    @property
    def age(self) -> timedelta | None:
        """How long ago that was."""
        return None if self.known is None else self.as_of - self.known

    @property
    def sentences(self) -> list[str]:
        """For people: the age, and a line that names the silent sources, if there are any."""
        if self.known is None or self.age is None:
            return ["no data"]
        fetched = "fetched" if self.fetched else "never fetched: of the bundled history, which ends"
        silence = describe_silence(self.silent)
        return [
            f"data {fetched} {self.known:%Y-%m-%d %H:%M} UTC, {describe_age(self.age)} ago",
            *filter(None, [silence]),
        ]


def read_data_age(collected: str, as_of: datetime, played: datetime | None) -> DataAge:
    """The age of the data as sources stand. collected: root of what was collected. played: as in `DataAge`."""
    standings = read_standings(Storage(collected)).values()
    successes = [datetime.fromisoformat(one.last_success) for one in standings if one.last_success]
    fetched = max((one for one in successes if one <= as_of), default=None)
    return DataAge(as_of, fetched, played, tuple(one for one in standings if one.failing_since))


def describe_silence(standings: Iterable[SourceStanding]) -> str:
    """One line: which sources give nothing, since when, and of when their data are; empty when there are none."""
    said = []
    for one in standings:
        verb = "gives nothing" if one.reachable else "could not be reached"
        last = f"its data are of {one.last_success[:16]}" if one.last_success else "it never gave any"
        said.append(f"{one.source} {verb} since {one.failing_since[:16]} UTC, {last}")
    return "; ".join(said)


def describe_age(age: timedelta) -> str:
    """In the largest unit that fits: 3 days, 5 hours, 12 minutes."""
    for unit, size in (("days", timedelta(days=2)), ("hours", timedelta(hours=2))):
        if age >= size:
            return f"{age // (size / 2)} {unit}"
    return f"{max(age, timedelta(0)) // timedelta(minutes=1)} minutes"
