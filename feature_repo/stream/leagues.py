"""The seasons that a processor keeps in mind, each made of the lake's past and the facts of the store."""

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import pandas as pd

from feature_repo.stream.fact_store import FactStore
from feature_repo.stream.league import NEVER, SeasonLeague
from feature_repo.stream.past import Past

MOST_SEASONS = 3
"""Seasons that are kept in mind; another one is made anew from the store."""


@dataclass
class Current:
    """A season, and what of it is not written yet.

    base_version: of what it begins with. version: of its facts. unwritten: the first day whose rows are not all
    written; None when they are. until: Unix seconds up to which rows are written. shown: whether its newest rows were
    written to the online store.
    """

    league: SeasonLeague
    base_version: int = 0
    version: int = 0
    unwritten: date | None = NEVER
    until: float = 0.0
    shown: bool = False

    @property
    def revision(self) -> int:
        """Of its rows: Unix milliseconds since which all is known that they are made of."""
        return max(self.version, self.base_version)

    def take(self, store: FactStore) -> None:
        """Take in what has changed in the store."""
        changes = store.changes(self.league.season, self.version)
        first = self.league.take(changes.facts)
        if first is not None:
            self.unwritten = first if self.unwritten is None else min(first, self.unwritten)
        self.version = changes.version


class Leagues:
    """Opens seasons, and makes them anew when what they begin with has changed."""

    def __init__(self, store: FactStore, past: Past) -> None:
        self._store, self._past = store, past
        self._open: OrderedDict[str, Current] = OrderedDict()
        self._tables: dict[str, pd.DataFrame] = {}
        self._outdated: set[str] = set()

    def get(self, season: str) -> Current:
        """A season as its facts are now. When it has changed, those behind it are outdated."""
        current = self._open.get(season)
        if current is None:
            current = self._open[season] = self._make(season)
        else:
            current.take(self._store)
        self._open.move_to_end(season)
        while len(self._open) > MOST_SEASONS:
            self._open.popitem(last=False)
        if current.unwritten is not None:
            self._tables.pop(season, None)
            for later in [one for one in self._store.seasons() if one > season]:
                self._outdated.add(later)
                self._open.pop(later, None)
                self._tables.pop(later, None)
        return current

    @property
    def outdated(self) -> set[str]:
        """Seasons whose rows must be made anew, since one before them has changed."""
        return set(self._outdated)

    def opened(self) -> list[str]:
        """The seasons that are kept in mind."""
        return list(self._open)

    def is_written(self, season: str) -> bool:
        """Whether the features of a season are of its facts, and of the lake, as they are now."""
        return self._store.progress(season).version == self._revision(season)

    def forget(self) -> None:
        """Forget all seasons, and take in again what the lake says of those that the store has facts of."""
        self._open.clear()
        self._tables.clear()
        for season in self._store.seasons():
            self._take_lake(season)

    def _make(self, season: str) -> Current:
        self._take_lake(season)
        tables = {one: self._table(one) for one in self._store.seasons() if one < season}
        base = self._past.base(season, tables)
        current = Current(SeasonLeague(season, base), self._base_version(season))
        current.take(self._store)
        progress = self._store.progress(season)
        if progress.version == current.revision:
            current.unwritten, current.until = None, progress.until
        self._outdated.discard(season)
        return current

    def _table(self, season: str) -> pd.DataFrame:
        if season not in self._tables:
            current = self._open.get(season) or self._make(season)
            self._tables[season] = current.league.table()
        return self._tables[season]

    def _revision(self, season: str) -> int:
        """That of a season's rows, without making them."""
        return max(self._base_version(season), self._store.version(season))

    def _base_version(self, season: str) -> int:
        """That of what a season begins with: facts of those before it, and what the lake says."""
        earlier = [one for one in self._store.seasons() if one < season]
        return max([self._lake_version(season, earlier), *map(self._revision, earlier[-1:])])

    def _lake_version(self, season: str, streamed: Collection[str]) -> int:
        """Unix milliseconds since which the lake has said what it says of the seasons before one."""
        note, said = f"base:{season}", self._past.base_fingerprint(season, without=streamed)
        since, _, known = self._store.note(note).partition(" ")
        if known != said:
            since = str(round(time.time() * 1000))
            self._store.note(note, f"{since} {said}")
        return int(since)

    def _take_lake(self, season: str) -> None:
        """Put the lake's facts of a season into the store, once for each state of the lake."""
        note, said = f"lake:{season}", self._past.season_fingerprint(season)
        if self._store.note(note) != said:
            self._store.put(self._past.facts(season))
            self._store.note(note, said)
