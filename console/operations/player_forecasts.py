"""Points of players in the coming gameweeks, by the latest champion."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from matchday import calendar, telemetry
from matchday.bundle import read_bundle
from matchday.errors import MatchdayError
from matchday.forecasts.player_points import ComingPoints, forecast_points
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.registry.names import CHAMPION, SCHEME
from matchday.settings import Settings
from serving.storage import fetch, open_registry


class UnknownChoiceError(MatchdayError):
    """A position or club that nobody who is forecast is of."""


def forecast_players(as_of: str | None, weeks: int) -> ComingPoints:
    """Forecast the points of every player in the next gameweeks with the latest champion.

    as_of: a moment; None means now. Raises MatchdayError.
    """
    settings, now = Settings(), datetime.now(UTC)
    settings.make_home()
    moment = calendar.parse(as_of) if as_of else None
    if moment is not None:
        calendar.check_past(moment, now)
    with telemetry.span("forecast points", weeks=weeks):
        uri = f"{SCHEME}{PLAYER_POINTS.name}@{CHAMPION}"
        champion = fetch(uri, settings.home, open_registry(settings.tracking_uri))
        return forecast_points(settings, read_bundle(champion.folder), moment, weeks, now)


def choose(players: pd.DataFrame, position: str | None, team: str | None) -> pd.DataFrame:
    """The rows of a position and a club; None: of all. Raises UnknownChoiceError when there is none of that name.

    Of no rows nothing is chosen: where nobody plays, no name is wrong.
    """
    if players.empty:
        return players
    for column, wanted in (("position", position), ("team", team)):
        if wanted is None:
            continue
        if wanted.upper() not in (known := sorted(players[column].unique())):
            raise UnknownChoiceError(f"no {column} {wanted!r}; there are: {', '.join(known)}")
        players = players[players[column] == wanted.upper()]
    return players


def describe_points(found: ComingPoints, players: pd.DataFrame) -> dict[str, Any]:
    """The forecasts of some players as JSON can hold them; null for what there is not."""
    rows = players.astype(object).where(players.notna(), None).to_dict("records")
    return {
        "as_of": found.coming.as_of.isoformat(),
        "season": found.coming.season,
        "gameweeks": list(found.coming.gameweeks),
        "model": PLAYER_POINTS.name,
        "version": found.version,
        "players": rows,
        "notes": list(found.notes),
    }
