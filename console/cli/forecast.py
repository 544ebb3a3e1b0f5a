"""`matchday forecast`: one match, asked of a running server."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from console.cli import screen
from console.cli.options import DEFAULT_MODEL


def forecast(
    home: Annotated[str, typer.Argument(help="Home team, as ARS.")],
    away: Annotated[str, typer.Argument(help="Away team, as LIV.")],
    kickoff: Annotated[str | None, typer.Option(help="Kick-off, ISO 8601. Default: now.")] = None,
    url: Annotated[str, typer.Option(help="The server to ask.")] = "http://127.0.0.1:8080",
    model: Annotated[str, typer.Option(help="Model to ask.")] = DEFAULT_MODEL,
) -> None:
    """Ask a running server for one match."""
    from console.operations import forecasts

    question = forecasts.MatchQuestion(home, away, kickoff or datetime.now(UTC).isoformat())
    answer = forecasts.ask(url, model, [question])
    numbers = [f"{number:.1%}" if answer.probabilities else f"{number:.2f}" for number in answer.rows[0]]
    screen.table(("match", *answer.columns), [(f"{home} - {away}", *numbers)])
    version, known = answer.parameters.get("model_version"), answer.parameters.get("features_event_time")
    screen.say("", f"model version {version}, features as of {known}")
