"""The processor: records in, features out, offsets last.

A batch goes through in this order, each step safe to repeat: poison to the dead letters; facts to the store; features
of what changed to the online store; feature rows to the offline store; how far that went; offsets. Whoever is killed in
between, another processor finds facts without features and makes them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from feature_repo.stream.dead_letters import DeadLetterBox, dead_letter
from feature_repo.stream.fact_store import FactStore, Position, Progress
from feature_repo.stream.facts import Fact
from feature_repo.stream.league import KnownRows
from feature_repo.stream.leagues import Current, Leagues
from feature_repo.stream.outcome import Outcome
from feature_repo.stream.past import Past
from feature_repo.stream.screening import Poison, Screened, screen
from feature_repo.streamed import StreamedRows
from feature_repo.writers import FeatureRow, OnlineWriter
from matchday.durations import DAY
from matchday.events import CloudEvent
from matchday.events.received import Received
from matchday.features import entities
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import KEYS, Row
from matchday.tables import name
from matchday.telemetry import span

VIEWS = tuple(map(name, TEAM_TABLES))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECHECK_SECONDS = 15.0
UNKNOWN = ("unknown-season", "unknown-team")
MOST_LINKS = 64
"""Producers' spans that one batch is linked to."""


def now() -> float:
    """Unix seconds."""
    return datetime.now(UTC).timestamp()


class Processor:
    """Processes records in the order given; for one thread at a time.

    Methods raise FeatureStoreError, StorageError or EventsError; calling them again finishes what was under way.
    """

    def __init__(
        self,
        store: FactStore,
        past: Past,
        writer: OnlineWriter,
        streamed: StreamedRows,
        dead_letters: DeadLetterBox,
        clock: Callable[[], float] = now,
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        """clock: Unix seconds; rows that become known later are held back until then.

        recheck_seconds: how often the lake is looked at for changes.
        """
        self._store, self._past, self._writer = store, past, writer
        self._streamed, self._dead_letters, self._clock = streamed, dead_letters, clock
        self._leagues = Leagues(store, past)
        self._touched: set[str] = set()
        self._done: dict[str, Progress] = {}
        self._offsets: dict[Position, int] = {}
        self._newest: dict[str, float] = {}
        self._season = ""
        self._recheck_seconds, self._look_at = recheck_seconds, 0.0
        self._refills, self._lake = -1, ""

    def process(self, records: Sequence[Received]) -> Outcome:
        """Take in records: dead letters and facts. Features follow with `write_features`."""
        moment = self._clock()
        outcome = Outcome(received=len(records))
        facts: list[Fact] = []
        letters: list[CloudEvent] = []
        links: list[str] = []
        for record, found in zip(records, self._screen(records, moment), strict=True):
            if isinstance(found, Poison):
                letters.append(dead_letter(record, found, datetime.fromtimestamp(moment, UTC)))
                outcome.poison[found.reason] = outcome.poison.get(found.reason, 0) + 1
                continue
            facts.append(found.fact)
            outcome.late += self._is_late(found)
            if found.traceparent and len(links) < MOST_LINKS:
                links.append(found.traceparent)
        with span("process", kind="consumer", links=links, events=len(facts), dead_letters=len(letters)):
            if letters:
                self._dead_letters.send(letters)
            outcome.known = len(facts) - self._store.put(facts)
        self._touched |= {fact.season for fact in facts}
        for record in records:
            self._offsets[record.position] = record.offset + 1
        return outcome

    def start(self, season: str = "") -> None:
        """Take up what others have left undone, and the newest season; its newest rows are written again.

        season: one to be taken up before its first event.
        """
        self._leagues.forget()
        self._take_up()
        self._touched |= {season} if season else set()
        self.write_features()

    def write_features(self) -> Outcome:
        """Make the features of all that was taken in, and of what time has made known since; write them online."""
        outcome = Outcome()
        self._notice_changes()
        self._season = max({*self._store.seasons(), *self._touched}, default="")
        written: set[str] = set()
        while due := sorted(self._touched | self._leagues.outdated):
            self._write(self._leagues.get(due[0]), outcome)
            self._touched.discard(due[0])
            written.add(due[0])
        for season in self._leagues.opened():
            if season not in written:
                self._write(self._leagues.get(season), outcome)
        return outcome

    def flush(self) -> Mapping[Position, int]:
        """Make everything durable. Returns the offsets behind it, to be committed."""
        self.write_features()
        self._streamed.flush()
        for season, progress in sorted(self._done.items(), reverse=True):
            self._store.note_progress(season, progress)
        self._store.note_offsets(self._offsets)
        self._done.clear()
        done, self._offsets = self._offsets, {}
        return done

    def rebuild(self) -> None:
        """Make the state again from the lake and the facts that are left, and write all newest rows."""
        self._past.refresh()
        self._leagues.forget()
        self._take_up()

    def start_over(self) -> None:
        """Forget which offsets are done, and rebuild: the store has lost what was put there."""
        self._offsets, self._done = {}, {}
        self.rebuild()

    def _take_up(self) -> None:
        """Touch the newest season, and those whose features are not of their facts and of the lake as it is."""
        seasons = self._store.seasons()
        self._touched |= {*seasons[-1:], *(season for season in seasons if not self._leagues.is_written(season))}

    def _screen(self, records: Sequence[Received], moment: float) -> list[Screened | Poison]:
        """What each record says. Teams that are not known are looked up in the lake once more."""
        found = [screen(record, self._past.teams, moment) for record in records]
        if any(isinstance(one, Poison) and one.reason in UNKNOWN for one in found):
            self._past.refresh()
            found = [screen(record, self._past.teams, moment) for record in records]
        return found

    def _notice_changes(self) -> None:
        """After a refill of the online store, or with another lake, everything is made again."""
        refills, lake = self._writer.count_refills(), self._lake
        if time.monotonic() >= self._look_at:
            lake = self._past.fingerprint()
            self._look_at = time.monotonic() + self._recheck_seconds
        if (refills, lake) != (self._refills, self._lake):
            if self._refills >= 0:
                self.rebuild()
            self._refills, self._lake = refills, lake

    def _write(self, current: Current, outcome: Outcome) -> None:
        """Write the rows of a season that are not written yet."""
        moment = self._clock()
        known = [rows for rows in current.league.known() if rows.at.timestamp() <= moment]
        first = date.max if current.unwritten is None else current.unwritten
        changed = [rows for rows in known if rows.at.date() >= first or rows.at.timestamp() > current.until]
        if current.shown and not changed and current.unwritten is None:
            return
        season, revision = current.league.season, current.revision
        newest = newest_rows(known) if season == self._season else {}
        with span("write features", season=season, revision=revision, rows=len(newest)):
            self._writer.write(_feature_row(view, row, revision) for (view, _), row in newest.items())
            self._append(current, changed)
        for (view, _), row in newest.items():
            outcome.rows[view] = outcome.rows.get(view, 0) + 1
            outcome.newest[view] = max(outcome.newest.get(view, 0.0), _seconds(row))
        current.unwritten, current.until, current.shown = None, moment, True
        self._done[season] = Progress(revision, moment)

    def _is_late(self, found: Screened) -> bool:
        """Whether an event is of a day before the newest one of its season."""
        newest = self._newest.get(found.fact.season, 0.0)
        self._newest[found.fact.season] = max(newest, found.time)
        return found.time // DAY < newest // DAY

    def _append(self, current: Current, changed: Sequence[KnownRows]) -> None:
        """Append rows to the offline store, and from which day on these are all that there are."""
        revision = current.revision
        created = EPOCH + timedelta(milliseconds=revision)
        for place, table in enumerate(TEAM_TABLES):
            self._streamed.append(table, (row for rows in changed for row in rows.tables[place]), created, revision)
        if current.unwritten is not None:
            since = max(datetime.combine(current.unwritten, datetime.min.time(), UTC), EPOCH)
            self._streamed.mark(current.league.season, since, created, revision)


def newest_rows(known: Sequence[KnownRows]) -> dict[tuple[str, str], Row]:
    """The newest row of each view and team. known: in order of time."""
    found: dict[tuple[str, str], Row] = {}
    for rows in known:
        for view, of_view in zip(VIEWS, rows.tables, strict=True):
            for row in of_view:
                found[view, str(row["team"])] = row
    return found


def _feature_row(view: str, row: Row, revision: int) -> FeatureRow:
    values: dict[str, Any] = {column: value for column, value in row.items() if column not in KEYS}
    return FeatureRow(view, entities.TEAM.join_key, str(row["team"]), _seconds(row), revision, values, derived=True)


def _seconds(row: Row) -> float:
    """Unix seconds from which a row is known."""
    moment: Any = row["event_time"]
    return float(moment.timestamp())
