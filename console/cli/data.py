"""`matchday data ...`: the bundled history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen

if TYPE_CHECKING:
    from console.operations.history import HistorySummary

app = typer.Typer(no_args_is_help=True, help="The bundled history.")


@app.command()
def show() -> None:
    """Check the bundled history and show what it holds."""
    from console.operations import history

    print_summary(history.summarise())


@app.command()
def verify() -> None:
    """Check the bundled history: checksums, schemas, and rules that every true history keeps."""
    from console.operations import history

    for check in history.verify():
        screen.say(f"holds: {check.rule}")


@app.command()
def build(
    wheel: Annotated[Path | None, typer.Option(help="The source wheel; fetched by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write. Default: the bundled history.")] = None,
) -> None:
    """Rebuild the bundled history from its source, bit for bit."""
    from console.operations import history

    screen.heading("Rebuilding the bundled history")
    screen.table(("table", "rows"), [(name, f"{count:,}") for name, count in history.build(wheel, out).items()])


def print_summary(summary: "HistorySummary") -> None:
    """The table of seasons, and how many files and matches there are."""
    rows = [
        (
            f"20{one.season[:2]}/{one.season[2:]}",
            f"{summary.champions[one.season]} ({one.points})",
            f"{one.matches}",
            f"{one.goals:,}",
            f"{one.player_rows:,}" if one.player_rows else "-",
            "-" if one.xg is None else f"{one.xg:,.0f}",
        )
        for one in summary.seasons
    ]
    screen.table(("season", "champion (points)", "matches", "goals", "player rows", "xG"), rows, text_columns=2)
    screen.say(
        f"{summary.files} files match their checksums: {summary.matches:,} matches of {len(summary.seasons)} seasons"
    )
