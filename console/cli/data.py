"""`matchday data ...`: the bundled history, and what live sources give."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import quarantine, screen

if TYPE_CHECKING:
    from console.operations.history import HistorySummary
    from matchday.collected.report import UpdateReport

app = typer.Typer(no_args_is_help=True, help="The bundled history, and live sources.")
app.add_typer(quarantine.app, name="quarantine")

INCOMPLETE = 1
"""Exit code of `update` when a source gave nothing; what the others gave is taken in."""

SHOWN = 40
"""Changes that are printed one by one."""


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


@app.command()
def update(as_json: quarantine.Json = False) -> None:
    """Ask the live sources, and take in what is new.

    Exit code 0: every source answered; 1: one gave nothing, and the others' data is taken in; 2: nothing was taken in.
    """
    from console.operations import data

    report = data.update()
    if as_json:
        screen.say(json.dumps(data.describe_report(report), indent=1))
    else:
        _print_report(report)
    if report.failed:
        raise typer.Exit(INCOMPLETE)


@app.command("sources")
def show_sources(as_json: quarantine.Json = False) -> None:
    """Show how each live source stands, as of the last update."""
    from dataclasses import asdict

    from console.operations import data

    standings = data.sources()
    if as_json:
        screen.say(json.dumps([asdict(one) for one in standings], indent=1))
        return
    rows = [
        (
            one.source,
            "never asked" if not one.asked else "fails" if one.failing_since else "answers",
            one.last_success[:16] or "never",
            data.tell_age(one) or "-",
            one.changed[:16] or "never",
            ", ".join(f"{count:,} {table.removeprefix('observed_')}" for table, count in one.rows.items()) or "-",
        )
        for one in standings
    ]
    headings = ("source", "state", "last success (UTC)", "age of its data", "last news (UTC)", "gave")
    screen.table(headings, rows, text_columns=6)
    for one in standings:
        if one.failing_since:
            reached = "it was reached" if one.reachable else "it was not reached"
            screen.say(f"{one.reason} (fails since {one.failing_since[:16]}; {reached})")


@app.command()
def backup(target: Annotated[str, typer.Argument(metavar="FILE", help="A file or an s3:// URL to write.")]) -> None:
    """Copy what was collected from live sources into one archive."""
    from console.operations import backups

    made = backups.backup(target)
    screen.say(f"{made.address}: {made.files:,} files, {made.observations:,} observations, {made.bytes:,} bytes")


@app.command()
def restore(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A file or an s3:// URL that `backup` wrote.")],
    replace: Annotated[bool, typer.Option(help="Also where observations would be lost that it lacks.")] = False,
) -> None:
    """Make what was collected that of an archive: all of it, or nothing."""
    from console.operations import backups

    made = backups.restore(source, replace=replace)
    screen.say(f"{made.observations:,} observations are restored; 'matchday data update' writes the tables from them")


def _print_report(report: "UpdateReport") -> None:
    from matchday.collected.report import describe_outcome

    for outcome in report.sources:
        screen.say(describe_outcome(outcome))
    if not report.sources:
        screen.say("no source is asked: MATCHDAY_SOURCES is empty")
    for change in report.changes[:SHOWN]:
        screen.say(f"  {change}")
    if len(report.changes) > SHOWN:
        screen.say(f"  and {len(report.changes) - SHOWN:,} more changes")
    for row in report.refused:
        screen.say(f"refused: {row.id}, {row.table} of {row.source}, {row.key}: it {row.reason}")
    for text in (*map(str, report.disagreements), *report.warnings):
        screen.say(f"note: {text}")
    if report.kept:
        screen.say(f"{report.kept} rows wait in quarantine: 'matchday data quarantine list'")
    screen.say(f"tables that changed: {', '.join(report.tables)}" if report.tables else "no table changed")


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
