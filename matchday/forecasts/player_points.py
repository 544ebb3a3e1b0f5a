"""Fantasy points of all players in the coming gameweeks, by one bundle, from what was known at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from matchday.bundle import Bundle
from matchday.features.known import known_vectors
from matchday.features.tables import TABLES
from matchday.forecasts.coming import ComingMatches, find_coming
from matchday.forecasts.next_matches import check_bundle, describe_coming, run_outputs
from matchday.forecasts.reading import living_seasons, read_knowledge
from matchday.forecasts.scheduled import ScheduledMatch
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.settings import Settings
from matchday.tables import Players, name

MOST_WEEKS = 8
"""Gameweeks that the model tells apart."""
WEEK = ["gameweek", "player"]


@dataclass(frozen=True)
class ComingPoints:
    """Points that players are forecast to score.

    players: a row for each player and gameweek in which his club has a match, most points first: gameweek, player,
    name, position, team, matches (`LIV (H)`, two of a double gameweek), points (of all of them together), plays (chance
    of any minutes, mean over matches), low and high (10 and 90 % quantiles of a single match; null of several).
    notes: for people.
    """

    coming: ComingMatches
    version: str
    players: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is forecast, for people."""
        count = self.players["player"].nunique()
        return describe_coming(self.coming, f"{count:,} {'player' if count == 1 else 'players'}")


def forecast_points(
    settings: Settings, bundle: Bundle, as_of: datetime | None, weeks: int, now: datetime
) -> ComingPoints:
    """Forecast each player's points in the next gameweeks from what was known at a moment, by default now.

    A player is of the club of his newest row. Raises NoForecastError for a bundle that has learnt from later, or reads
    features that this code does not make; CalendarError for a moment or number of weeks that cannot be forecast;
    LakeError.
    """
    moment = as_of or now
    check_bundle(bundle.signature, moment, PLAYER_POINTS)
    coming = find_coming(read_knowledge(settings, as_of, now).fixtures, moment, weeks, MOST_WEEKS)
    lake, seasons = Lake(settings.lake), living_seasons(LakeReader(settings.lake), moment)
    tables = {name(table): _known(lake.read(table, seasons), moment) for table in TABLES}
    registered = lake.read(Players, seasons)
    registered = registered[registered["season"] == coming.season]
    asked = _players_matches(coming.matches, registered, tables["player_market"]).assign(event_time=moment)
    players, unknown = _forecast(bundle, asked, tables)
    notes = [f"nothing is known yet of {unknown} registered players"] if unknown else []
    return ComingPoints(coming, bundle.signature.version or "0", players, (*coming.notes, *notes))


def _known(rows: pd.DataFrame, moment: datetime) -> pd.DataFrame:
    return rows[rows["event_time"] <= moment]


def _players_matches(matches: Iterable[ScheduledMatch], registered: pd.DataFrame, market: pd.DataFrame) -> pd.DataFrame:
    """The matches of each registered player's club: a row for each player and match, with the inputs of the model."""
    clubs = market.sort_values("event_time").drop_duplicates("player", keep="last")[["player", "team"]]
    people = registered.loc[registered["position"] != "MNG", ["player", "name", "position"]]
    people = people.merge(clubs, on="player", how="left")
    sides = pd.DataFrame(
        [
            (one.gameweek, one.kickoff, team, other, home)
            for one in matches
            for team, other, home in ((one.home, one.away, 1.0), (one.away, one.home, 0.0))
        ],
        columns=["gameweek", "kickoff", "team", "opponent", "home"],
    )
    return people.merge(sides, on="team", how="left" if len(sides) else "inner")


def _forecast(bundle: Bundle, asked: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, int]:
    """Rows of `ComingPoints.players`, and how many of those who were asked about nothing is known of."""
    signature = bundle.signature
    playing = asked[asked["opponent"].notna()].reset_index(drop=True)
    unknown = int(asked["team"].isna().sum())
    if playing.empty:
        return _by_gameweek(playing.assign(points=0.0, plays=0.0, low=0.0, high=0.0)), unknown
    vectors = known_vectors(signature.features, playing, tables)
    vectors = vectors.assign(**{each.name: playing[each.name] for each in signature.numbers})
    whole = vectors.notna().all(axis=1)
    names = [signature.output, *(each.name for each in signature.further)]
    numbers = run_outputs(bundle, names, vectors[whole].to_numpy(np.float32))
    made = playing[whole].assign(
        points=numbers["points"],
        plays=numbers["minutes"][:, 1:].sum(axis=1),
        low=numbers["quantiles"][:, 0],
        high=numbers["quantiles"][:, -1],
    )
    return _by_gameweek(made), unknown + playing.loc[~whole, "player"].nunique()


def _by_gameweek(made: pd.DataFrame) -> pd.DataFrame:
    """Forecasts of matches put together by player and gameweek."""
    side = made["home"].map({1.0: "H", 0.0: "A"})
    ordered = made.assign(matches=made["opponent"] + " (" + side + ")").sort_values("kickoff")
    weekly = ordered.groupby(["gameweek", "player", "name", "position", "team"], as_index=False, dropna=False).agg(
        matches=("matches", ", ".join),
        count=("matches", "size"),
        points=("points", "sum"),
        plays=("plays", "mean"),
        low=("low", "first"),
        high=("high", "first"),
    )
    single = weekly["count"] == 1
    weekly = weekly.assign(low=weekly["low"].where(single), high=weekly["high"].where(single)).drop(columns="count")
    return weekly.sort_values(["gameweek", "points", "player"], ascending=[True, False, True], ignore_index=True)
