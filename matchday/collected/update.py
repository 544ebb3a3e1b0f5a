"""One update: every source is asked, what it newly says is stored, and the standard tables are written.

In this order, each step safe to repeat: raw answers (by the sources themselves), observations and quarantine, how the
sources stand, standard tables. Whatever is killed half way, the next update finishes it. A source that fails stops no
other one, and leaves what it said before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.collected.changes import match_changes, player_changes
from matchday.collected.errors import ClockError
from matchday.collected.lock import hold_lock
from matchday.collected.precedence import BelievedMatch, believe, disagreements, statements
from matchday.collected.publication import write_tables
from matchday.collected.quarantine import Quarantine, read_rows, refuse_unreadable, separate_untrue
from matchday.collected.readers import Reader
from matchday.collected.report import Disagreement, SourceOutcome, UpdateReport
from matchday.collected.standings import SourceStanding, read_standings, write_standings
from matchday.collected.store import ObservationStore
from matchday.collected.truths import season_warnings
from matchday.collected.versions import newest, stack
from matchday.lake import Lake
from matchday.sources.raw import RawAnswers
from matchday.sources.snapshot import Snapshot
from matchday.sources.upstream import SourceError
from matchday.tables import TableError, name
from matchday.tables.observed import ObservedFixtures, ObservedPlayers

UNREADABLE = (SourceError, TableError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Failures of a source: it gave nothing, or what its reader was not made for."""

RETENTION = timedelta(days=400)
"""How long raw answers stay, but for the newest of each address and those of rows in quarantine."""


def update(
    url: str,
    lake: Lake,
    snapshot: Snapshot,
    readers: Mapping[str, Reader],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> UpdateReport:
    """Ask every source, in the order given, and write what came. url: root of what was collected.

    Raises ClockError before anything is asked, and what `write_tables` raises.
    """
    with hold_lock(url):
        return take_in(ObservationStore(url), lake, snapshot, readers, now)


def take_in(
    store: ObservationStore,
    lake: Lake,
    snapshot: Snapshot,
    readers: Mapping[str, Reader],
    now: Callable[[], datetime],
) -> UpdateReport:
    """`update` for one who holds the lock."""
    check_clock(store, now())
    before = _Knowledge.read(store)
    intake = _Intake(store, now)
    outcomes = [intake.ask(source, read) for source, read in readers.items()]
    write_standings(store.lake.storage, intake.standings.values())
    latest = store.newest_moment()
    moment = max(now(), latest + timedelta(microseconds=1)) if latest else now()
    seasons, tables = write_tables(lake, snapshot, store, moment)
    after = _Knowledge.read(store) if any(any(one.added.values()) for one in outcomes) else before
    RawAnswers(store.lake.storage).sweep(now(), RETENTION, intake.quarantine.needed())
    living = seasons[-1:]
    return UpdateReport(
        moment=moment,
        sources=tuple(outcomes),
        changes=(*match_changes(before.matches, after.matches), *player_changes(before.players, intake.players())),
        refused=tuple(read_rows(intake.refused())),
        kept=len(intake.quarantine.rows("kept")),
        disagreements=tuple(one for one in after.disagreements if one.match_id[:4] in {s.season for s in living}),
        warnings=tuple(text for one in living for text in season_warnings(one.season, one.matches)),
        seasons=tuple(one.season for one in seasons),
        tables=tuple(tables),
        until=min((one.until for one in seasons if one.until), default=None),
    )


def check_clock(store: ObservationStore, now: datetime) -> None:
    """Raises ClockError when the clock is behind the newest observation: what it would add could not be ordered."""
    latest = store.newest_moment()
    if latest is not None and now < latest:
        raise ClockError(
            f"this machine's clock says {now:%Y-%m-%d %H:%M:%S} UTC, but the newest observation was made at"
            f" {latest:%Y-%m-%d %H:%M:%S}: set the clock; nothing was taken in"
        )


@dataclass(frozen=True)
class _Knowledge:
    """What is known at one time of an update."""

    matches: list[BelievedMatch]
    players: pd.DataFrame
    disagreements: list[Disagreement]

    @classmethod
    def read(cls, store: ObservationStore) -> "_Knowledge":
        said = statements(store.read(ObservedFixtures))
        return cls(believe(said), store.read(ObservedPlayers), disagreements(said))


class _Intake:
    """Stores what sources give."""

    def __init__(self, store: ObservationStore, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self.quarantine = Quarantine(store.lake)
        self.standings = read_standings(store.lake.storage)
        self._released = self.quarantine.released()
        self._refused = [self.quarantine.rows().iloc[:0]]
        self._players = [store.read(ObservedPlayers).iloc[:0]]

    def ask(self, source: str, read: Reader) -> SourceOutcome:
        """Ask one source, store what it gives, and note how it stands."""
        standing = self.standings.get(source, SourceStanding(source))
        added: dict[str, int] = {}
        error = ""
        try:
            given = read()
            for table in sorted(given.tables, key=lambda one: (one is not ObservedFixtures, name(one))):
                added[name(table)] = self._take(table, given.tables[table], source)
            self._refused.append(self.quarantine.keep(refuse_unreadable(given.refused, self._now())))
            if given.failure is not None:
                raise given.failure
        except UNREADABLE as why:
            error = (
                str(why) if isinstance(why, SourceError) else f"{source}: cannot be read ({type(why).__name__}: {why})"
            )
            reachable = not isinstance(why, SourceError) or why.reachable
            self.standings[source] = standing.fail(self._now(), error, reachable)
        else:
            rows = {name(table): len(frame) for table, frame in given.tables.items()}
            self.standings[source] = standing.succeed(self._now(), rows, any(added.values()))
        return SourceOutcome(self.standings[source], added, error)

    def refused(self) -> pd.DataFrame:
        """Rows that were refused for the first time."""
        return stack(self._refused)

    def players(self) -> pd.DataFrame:
        """New versions of players."""
        return stack(self._players)

    def _take(self, table: type[DataFrameModel], rows: pd.DataFrame, source: str) -> int:
        known = self._store.read(ObservedFixtures, set(rows["season"]))
        latest = {name(ObservedFixtures): newest(ObservedFixtures, known[known["source"] == source])}
        true, untrue = separate_untrue(table, rows, latest, self._released, self._now())
        self._refused.append(self.quarantine.keep(untrue))
        added = self._store.add(table, true)
        if table is ObservedPlayers:
            self._players.append(added)
        return len(added)
