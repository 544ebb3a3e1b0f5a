"""`matchday backtest ...`: walk-forward scores of the models beside simple forecasts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen

if TYPE_CHECKING:
    import pandas as pd

    from console.operations.backtests import Progress
    from matchday.models.match_outcome.reported import OutcomeBacktest
    from matchday.models.player_points.backtest import PointsBacktest

app = typer.Typer(no_args_is_help=True, help="Walk-forward scores of the models, beside simple forecasts.")

SUSPICIOUS = 1
"""Exit code when scores are too good to be true."""

Forecasts = Annotated[Path | None, typer.Option(help="Parquet file that all forecasts are written to.")]
Card = Annotated[Path | None, typer.Option(help="Markdown file that the model card is written to, its plot beside it.")]


@app.command()
def outcome(forecasts: Forecasts = None, card: Card = None) -> None:
    """Forecast seven past seasons of matches, with a model that is learnt again each week: half a minute.

    `matchday market compare --forecasts FILE` reads the file. Exit code 1: a score is too good to be true.
    """
    from console.operations import backtests

    with counting("matches") as progress:
        report = backtests.run_outcome(forecasts, card, progress)
    print_outcome(report.backtest)
    _say_files(forecasts, card)
    for alarm in report.alarms:
        screen.say(alarm, style="bold red")
    if report.alarms:
        raise typer.Exit(SUSPICIOUS)


@app.command()
def points(
    forecasts: Forecasts = None,
    card: Card = None,
    scores: Annotated[
        Path | None, typer.Option(help="Write the card from this file of scores, without a backtest.")
    ] = None,
) -> None:
    """Forecast four past seasons of players' points, refitted every four gameweeks: some minutes."""
    from console.operations import backtests

    if scores:
        if forecasts or not card:
            raise typer.BadParameter("--scores goes with --card, and makes no forecasts")
        backtests.write_points_card(card, scores)
        _say_files(None, card)
        return
    with counting("gameweeks") as progress:
        found = backtests.run_points(forecasts, card, progress)
    print_points(found)
    _say_files(forecasts, card)


@contextmanager
def counting(unit: str) -> Iterator["Progress"]:
    """A bar of how many of a unit are done, on a terminal; elsewhere a line at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    terminal = screen.terminal()
    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task = bar.add_task(unit, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if done == total and not terminal.is_terminal:
                screen.say(f"  {done:,} {unit} were forecast")

        yield show


def print_outcome(found: "OutcomeBacktest") -> None:
    """Print scores of all forecasters, over all seasons and over the latest, then the model's by season."""
    from matchday.model_cards.markdown import season_name
    from matchday.model_cards.outcome import COLUMNS, by_rps, gap_cells, score_cells

    for seasons in (found.seasons, found.latest):
        screen.heading(f"{season_name(seasons[0])} to {season_name(seasons[-1])}, walk-forward")
        rows = [
            (name, *score_cells(found.scores(name, seasons)), *gap_cells(found, name, seasons))
            for name in by_rps(found, seasons)
        ]
        screen.table(("forecaster", *COLUMNS, "ours - it, RPS", "+-"), rows)
    screen.heading("match-outcome by season")
    screen.table(
        ("season", *COLUMNS), [(season_name(one), *score_cells(found.scores(None, [one]))) for one in found.seasons]
    )
    screen.say("", "calibration: ten bins of equal count, mean over home, draw and away; +-: standard error over weeks")


def print_points(found: "PointsBacktest") -> None:
    """Print the measures beside their bars, the simple forecasts, and the scores by season."""
    screen.heading("player-points, walk-forward")
    rows = [(one.what, f"{one.value:,.3f}", one.unit, one.bar) for one in found.measures]
    screen.table(("measure", "value", "unit", "bar"), rows)
    for title, frame in (
        ("beside simple forecasts, RMSE", found.forecasters),
        ("by season", found.by_season),
        ("by what happened, beside OpenFPL (another set of players)", found.categories),
        ("weeks ahead", found.horizons),
    ):
        screen.heading(title)
        screen.table([str(name).replace("_", " ") for name in frame.columns], _cells(frame))


def _cells(frame: "pd.DataFrame") -> Sequence[Sequence[str]]:
    return [
        [f"{cell:,.3f}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in frame.itertuples(index=False, name=None)
    ]


def _say_files(forecasts: Path | None, card: Path | None) -> None:
    for what, file in (("forecasts", forecasts), ("model card", card)):
        if file:
            screen.say(f"{what}: {file}")
