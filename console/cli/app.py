"""The application `matchday`. Commands import their operations when they run, so that help is quick."""

import sys
from typing import Annotated, NoReturn

import typer

from console.cli import (
    backtest,
    cluster,
    data,
    demo,
    egress,
    experiments,
    features,
    forecast,
    market,
    model,
    next_gameweek,
    pipeline,
    points,
    rollout,
    serve,
    stream,
    tune,
)
from matchday import __version__
from matchday.errors import MatchdayError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(demo.demo)
app.command()(serve.serve)
app.command("next")(next_gameweek.next_gameweek)
app.command()(points.points)
app.add_typer(forecast.app, name="forecast")
app.add_typer(data.app, name="data")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(features.app, name="features")
app.add_typer(model.app, name="model")
app.add_typer(market.app, name="market")
app.add_typer(backtest.app, name="backtest")
app.add_typer(experiments.app, name="experiments")
app.add_typer(tune.app, name="tune")
app.add_typer(rollout.app, name="rollout")
app.add_typer(stream.app, name="stream")
app.add_typer(cluster.app, name="cluster")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback(help="Premier League forecasts, run for real.")
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of every command."""
    del version


def main() -> NoReturn:
    """Run the command line; a known failure is one line on standard error and exit code 2."""
    try:
        app()
    except MatchdayError as error:
        for line in [*getattr(error, "__notes__", ()), f"matchday: {error}{egress.hint(error)}"]:
            print(line, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("matchday: stopped", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)
