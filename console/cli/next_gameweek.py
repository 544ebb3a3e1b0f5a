"""`matchday next`: fetch what is new, and forecast the coming gameweek."""

from typing import Annotated

import typer

from console.cli import screen


def next_gameweek(weeks: Annotated[int, typer.Option(min=1, max=4, help="How many gameweeks.")] = 1) -> None:
    """Fetch what is new, make features, fill the online store, and forecast the coming gameweeks.

    Without a network it goes on from the data that are there. Without a champion it trains one first.
    """
    from console.cli.progress import RunProgress
    from console.operations import next_gameweek as operations
    from matchday import telemetry
    from matchday.settings import Settings

    Settings().make_home()
    telemetry.start("matchday-console")
    with telemetry.span("next"):
        with RunProgress() as progress:
            operations.ensure_champion(progress.show)
        update()
        refreshed = operations.refresh_features()
        told = "hold all that is known" if refreshed.changed else "are up to date"
        screen.say(f"features and online store {told} at {refreshed.as_of:%Y-%m-%d %H:%M} UTC")
        forecast(weeks)


def update() -> None:
    """Take in what is new, and say so. Sources that gave nothing are named with the forecasts."""
    from console.operations import data
    from matchday.collected.report import describe_outcome

    report = data.update()
    for outcome in report.sources:
        if not outcome.error:
            screen.say(describe_outcome(outcome))
    if not report.sources:
        screen.say("no source is asked: MATCHDAY_SOURCES is empty")


def forecast(weeks: int) -> None:
    """Forecast the coming gameweeks, and print them."""
    from console.cli.forecast import print_coming
    from console.operations import coming_forecasts

    print_coming(coming_forecasts.forecast_coming(None, weeks))
