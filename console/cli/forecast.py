"""`matchday forecast ...`: one match asked of a running server, and the coming gameweeks."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from console.cli import screen
from console.cli.options import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchday.forecasts.run import ComingForecasts
    from matchday.forecasts.scores import ScoredForecast

CHANGED = 1
"""Exit code of `record` when a forecast is not what its batch says."""

MATCH = "match"
"""The command that is meant when none is named: `matchday forecast ARS LIV`."""


class ForecastGroup(TyperGroup):
    """Commands, and `matchday forecast HOME AWAY` without a command's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name before arguments that begin with no command."""
        if args and args[0] != "--help" and args[0] not in self.commands:
            args = [MATCH, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=ForecastGroup, no_args_is_help=True, help="Forecasts: of a match, and of the coming gameweeks.")

AsOf = Annotated[str | None, typer.Option("--as-of", help="Moment, as 2026-03-01 or 2026-03-01T12:00. Default: now.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(MATCH)
def forecast(
    home: Annotated[str, typer.Argument(help="Home team, as ARS.")],
    away: Annotated[str, typer.Argument(help="Away team, as LIV.")],
    kickoff: Annotated[str | None, typer.Option(help="Kick-off, ISO 8601. Default: now.")] = None,
    url: Annotated[str, typer.Option(help="The server to ask.")] = "http://127.0.0.1:8080",
    model: Annotated[str, typer.Option(help="Model to ask.")] = DEFAULT_MODEL,
) -> None:
    """Ask a running server for one match; `matchday forecast ARS LIV` does the same."""
    from console.operations import forecasts

    question = forecasts.MatchQuestion(home, away, kickoff or datetime.now(UTC).isoformat())
    answer = forecasts.ask(url, model, [question])
    numbers = [f"{number:.1%}" if answer.probabilities else f"{number:.2f}" for number in answer.rows[0]]
    screen.table(("match", *answer.columns), [(f"{home} - {away}", *numbers)])
    version, known = answer.parameters.get("model_version"), answer.parameters.get("features_event_time")
    screen.say("", f"model version {version}, features as of {known}")


@app.command("next")
def forecast_next(
    weeks: Annotated[int, typer.Option(min=1, max=4, help="How many gameweeks.")] = 1,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Forecast the matches of the coming gameweeks with the champion, and record the forecasts."""
    from console.operations import coming_forecasts

    result = coming_forecasts.forecast_coming(as_of, weeks)
    if as_json:
        typer.echo(json.dumps(coming_forecasts.describe_coming(result), indent=1))
    else:
        print_coming(result)


def print_coming(result: "ComingForecasts") -> None:
    """The matches with their probabilities, what there is to know of them, and the batch that holds them."""
    made = result.made
    screen.say(
        f"{made.sentence}, by {made.batch.model} version {made.batch.version}" if made.coming.matches else made.sentence
    )
    if made.batch.forecasts:
        rows = [
            (
                f"{one.match.home} - {one.match.away}",
                f"{one.match.kickoff:%a %d %b %H:%M}",
                str(one.match.gameweek or "-"),
                *(f"{value:.1%}" for value in one.probabilities),
            )
            for one in made.batch.forecasts
        ]
        screen.table(("match", "kick-off (UTC)", "gameweek", "home", "draw", "away"), rows, text_columns=2)
    for line in (*made.notes, *made.data.sentences, *result.sentences):
        screen.say(line)


@app.command("record")
def show_record(as_json: Json = False) -> None:
    """Show the recorded forecasts beside the results, and prove each by the hash of its batch.

    Exit code 1: a forecast is not what its batch says.
    """
    from console.operations import coming_forecasts

    summary = coming_forecasts.read_record()
    if as_json:
        typer.echo(json.dumps(coming_forecasts.describe_record(summary), indent=1))
    elif not summary.scored:
        screen.say("no forecast is recorded: 'matchday forecast next' records some")
    else:
        print_scored(summary.scored, summary.rps)
        for line in summary.wrong or ["every forecast is what its batch says, made before the kick-off"]:
            screen.say(line)
    if summary.wrong:
        raise typer.Exit(CHANGED)


def print_scored(scored: "Sequence[ScoredForecast]", rps: float | None) -> None:
    """Recorded forecasts beside the results."""
    rows = [
        (
            f"{one.row.forecast.match.home} - {one.row.forecast.match.away}",
            f"{one.row.forecast.match.kickoff:%d %b %H:%M}",
            f"{one.row.batch[:12]}",
            one.row.version,
            *(f"{value:.1%}" for value in one.row.forecast.probabilities),
            "-" if one.goals is None else f"{one.goals[0]}-{one.goals[1]}",
            "hit" if one.hit else "",
        )
        for one in scored
    ]
    screen.table(("match", "kick-off", "batch", "version", "home", "draw", "away", "result", ""), rows, text_columns=3)
    if rps is not None:
        played = [one for one in scored if one.goals is not None]
        screen.say(f"{sum(one.hit for one in played)} of {len(played)} favourites came in; RPS {rps:.4f}")
