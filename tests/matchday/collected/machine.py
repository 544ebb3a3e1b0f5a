"""A machine that updates from invented sources, beside a small bundled history."""

from pathlib import Path

import pandas as pd

from matchday.collected.report import UpdateReport
from matchday.collected.update import update
from matchday.lake import Lake
from matchday.sources.collected import Collected
from matchday.sources.rows import Refusal
from matchday.sources.snapshot import TABLES, Snapshot, write
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from matchday.tables.observed_appearances import ObservedAppearances
from tests import league
from tests.matchday.collected.observations import FPL, RAW, SEASON, appearances, at, fixtures, players, teams


def game(day: float, *matches, people=(), clubs=("ARS", "LIV"), played=(), refused=()) -> Collected:
    """What the game's API gave on a day."""
    tables = {ObservedFixtures: fixtures(*matches), ObservedTeams: teams(day, *clubs)}
    if people:
        tables[ObservedPlayers] = players(*people)
    if played:
        tables[ObservedAppearances] = appearances(*played)
    return Collected(SEASON, tables, tuple(refused))


def unreadable(reason: str = "has no code") -> Refusal:
    return Refusal(FPL, SEASON, "observed_players", reason, '{"id": 4}', RAW)


class Machine:
    """A machine that updates: its collected root and its lake."""

    def __init__(self, folder: Path, snapshot: Snapshot) -> None:
        self.url, self.lake, self.snapshot = str(folder / "collected"), Lake(str(folder / "lake")), snapshot

    def update(self, day: float, **sources) -> UpdateReport:
        """Update on a day. sources: what each gives, or the error that it raises."""

        def collect(given) -> Collected:
            if isinstance(given, Exception):
                raise given
            return given

        called = {name: lambda given=given: collect(given) for name, given in sources.items()}
        return update(self.url, self.lake, self.snapshot, called, lambda: at(day))

    def living(self, table) -> pd.DataFrame:
        """Rows of the season under way in the lake."""
        return self.lake.read(table, [SEASON])


def small_history(folder: Path, season: str = "2526") -> Snapshot:
    """The first rows of a season as a bundled history."""
    write(folder, {table: league.some(table, [season]).head(20) for table in TABLES})
    return Snapshot(folder)
