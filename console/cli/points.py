"""`matchday points`: fantasy points of players in the coming gameweeks."""

import json
import math
from typing import Annotated

import typer

from console.cli import screen


def points(
    weeks: Annotated[int, typer.Option(min=1, max=8, help="How many gameweeks.")] = 1,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Moment, as 2026-03-01 or 2026-03-01T12:00. Default: now.")
    ] = None,
    position: Annotated[str | None, typer.Option(help="GK, DEF, MID or FWD.")] = None,
    team: Annotated[str | None, typer.Option(help="Club, as ARS.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many players of each gameweek.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, of all players.")] = False,
) -> None:
    """Forecast the fantasy points of every player in the coming gameweeks with the champion of player-points."""
    from console.operations import player_forecasts

    found = player_forecasts.forecast_players(as_of, weeks)
    players = player_forecasts.choose(found.players, position, team)
    if as_json:
        typer.echo(json.dumps(player_forecasts.describe_points(found, players), indent=1))
        return
    screen.say(
        f"{found.sentence}, by player-points version {found.version}" if found.coming.matches else found.sentence
    )
    shown = players.groupby("gameweek").head(top)
    if len(shown):
        rows = [
            (
                *(str(row[column]) for column in ("name", "position", "team", "matches", "gameweek")),
                f"{row['points']:.2f}",
                f"{row['plays']:.0%}",
                "-" if math.isnan(row["low"]) else f"{row['low']:.0f} to {row['high']:.0f}",
            )
            for row in shown.to_dict("records")
        ]
        header = ("player", "position", "club", "matches", "gameweek", "points", "plays", "10 to 90 %")
        screen.table(header, rows, text_columns=4)
    for line in found.notes:
        screen.say(line)
