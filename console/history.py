"""The bundled history on the terminal."""

from pathlib import Path

from console.screen import console, heading, table
from matchday import history
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.sources import wheel as source
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams


def show() -> None:
    """Verify the checksums of the bundled history and show it season by season."""
    snapshot = Snapshot(Settings().snapshot)
    files = snapshot.verify()
    names = snapshot.load(Teams).set_index(["season", "team"])["name"]
    seasons = history.describe(snapshot.load(Matches), snapshot.load(Appearances))
    rows = [
        (
            f"20{one.season[:2]}/{one.season[2:]}",
            f"{names[one.season, one.champion]} ({one.points})",
            f"{one.matches}",
            f"{one.goals:,}",
            f"{one.player_rows:,}" if one.player_rows else "-",
            "-" if one.xg is None else f"{one.xg:,.0f}",
        )
        for one in seasons
    ]
    table(("season", "champion (points)", "matches", "goals", "player rows", "xG"), rows, text_columns=2)
    total = sum(one.matches for one in seasons)
    console.print(f"{len(files)} files match their checksums: {total:,} matches of {len(seasons)} seasons")


def verify() -> None:
    """Check checksums, schemas and rules in a lake that lasts as long as the check."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        history.ingest(Snapshot(Settings().snapshot), lake)
        for check in history.check(lake):
            console.print(f"holds: {check.rule}")


def build(wheel: Path | None, out: Path | None) -> None:
    """Rebuild the bundled history and show how many rows each table has."""
    heading("Rebuilding the bundled history")
    counts = source.build(wheel, out or Settings().snapshot)
    table(("table", "rows"), [(name, f"{count:,}") for name, count in counts.items()])
