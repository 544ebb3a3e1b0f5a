"""Feature rows of teams, each with the moment from which it is known.

`team_form` has a row at every full time of a team, `team_ratings` and `team_strength` a row for every team at midnight
after each day with matches. All have a row for every team on the day a season opens, so that no team is ever without.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

import pandas as pd

from matchday import durations
from matchday.features import strength
from matchday.features.services import SPANS
from matchday.features.strength import LeagueStrength
from matchday.ratings import elo, form, goals
from matchday.ratings.elo import EloState
from matchday.ratings.form import FormState
from matchday.ratings.goals import GoalsState
from matchday.ratings.xg import SIDES

Row = dict[str, object]
"""A row of a feature table, by column."""

KEYS = ("season", "team", "event_time")
"""Columns of a feature table that are no features."""

FULL_TIME = durations.FULL_TIME
"""From kick-off to the moment when the result is known."""


@dataclass(frozen=True)
class LeagueState:
    """Ratings, form and strength of all teams after some matches."""

    elo: EloState = field(default_factory=EloState)
    goals: GoalsState = field(default_factory=GoalsState)
    form: FormState = field(default_factory=FormState)
    strength: LeagueStrength = field(default_factory=LeagueStrength)


@dataclass(frozen=True)
class Match:
    """A finished match. Of home and away: goals, xg and own_xg as `matchday.ratings.xg.with_xg` gives them."""

    season: str
    kickoff: datetime
    home: str
    away: str
    goals: tuple[int, int]
    xg: tuple[float, float]
    own_xg: tuple[float, float]


def season_opening(season: str, last: datetime | None) -> datetime:
    """When a season opens: 1 June of its first year (`2526`: 2025), or a day after the season before has ended.

    last: the latest kick-off so far. By June it is known who plays; 2019/20 went on until July.
    """
    june = datetime.fromisoformat(f"20{season[:2]}-06-01T00:00:00+00:00")
    return max(june, midnight_after(last) + timedelta(days=1)) if last else june


def open_season(state: LeagueState, teams: Iterable[str]) -> LeagueState:
    """The state with the teams of a new season."""
    teams = tuple(teams)
    return LeagueState(
        elo.open_season(state.elo, teams),
        goals.open_season(state.goals, teams),
        form.open_season(state.form, teams),
        strength.open_season(state.strength, teams),
    )


def observe(state: LeagueState, match: Match) -> LeagueState:
    """The state after one more match."""
    sides = (match.home, match.away)
    return LeagueState(
        elo.observe(state.elo, *sides, *match.goals),
        goals.observe(state.goals, match.kickoff, *sides, match.goals, match.xg),
        form.observe(state.form, match.kickoff, *sides, match.goals, match.xg),
        strength.observe(state.strength, match.kickoff, *sides, match.goals, match.own_xg, match.xg),
    )


def form_row(state: LeagueState, team: str) -> dict[str, float | int]:
    """Form of a team. last_kickoff: Unix seconds, 0 for a team that has not played in the league yet."""
    last = state.form.last_kickoff.get(team)
    row: dict[str, float | int] = {"last_kickoff": int(last.timestamp()) if last else 0}
    for span in SPANS:
        mean = form.mean_of_last(state.form, team, span)
        row |= {f"{name}_{span}": getattr(mean, name) for name in form.Performance.__dataclass_fields__}
    return row


def rating_rows(state: LeagueState, at: datetime) -> dict[str, dict[str, float]]:
    """Ratings of all teams of the season as known at a moment."""
    fitted = goals.fit(state.goals, at)
    shared = {"level": fitted.level, "home_edge": fitted.home_edge, "low_score": fitted.low_score}
    return {
        team: {"elo": rating, "attack": fitted.attack[team], "defence": fitted.defence[team], **shared}
        for team, rating in state.elo.ratings.items()
    }


@dataclass(frozen=True)
class Moment:
    """A moment after which more is known: form of `played`, and ratings and strength of all teams on `rated`."""

    season: str
    at: datetime
    state: LeagueState
    played: tuple[str, ...] = ()
    rated: bool = False


def moments(matches: pd.DataFrame, teams: pd.DataFrame) -> Iterator[Moment]:
    """The league lived once: season openings, full times and ends of match days, in order.

    matches: finished matches as `matchday.ratings.xg.with_xg` gives them. teams: the teams of every season, `Teams`.
    """
    state, last = LeagueState(), None
    for season, members in teams.groupby("season", sort=True)["team"]:
        name = str(season)
        opening = opening_moment(name, state, members, last)
        yield opening
        state = opening.state
        for day in match_days(matches[matches["season"] == name]):
            for moment in day_moments(state, name, day):
                yield moment
                state = moment.state
            last = day[-1].kickoff


def opening_moment(season: str, state: LeagueState, teams: Iterable[str], last: datetime | None) -> Moment:
    """The opening of a season with these teams. state, last: after the seasons before it, and their last kick-off."""
    present = tuple(sorted(teams))
    return Moment(season, season_opening(season, last), open_season(state, present), present, rated=True)


def day_moments(state: LeagueState, season: str, day: Sequence[Match]) -> Iterator[Moment]:
    """The full times of a day's matches, in order of kick-off, and its end. state: after the days before it."""
    for match in day:
        state = observe(state, match)
        yield Moment(season, match.kickoff + FULL_TIME, state, (match.home, match.away))
    last = day[-1].kickoff
    yield Moment(season, max(midnight_after(last), last + FULL_TIME), state, rated=True)


def team_tables(matches: pd.DataFrame, teams: pd.DataFrame, since: str = "") -> tuple[pd.DataFrame, ...]:
    """`TeamForm`, `TeamRatings` and `TeamStrength` of all seasons, or of those from `since` on.

    matches, teams: as of `moments`.
    """
    known = [moment_rows(moment) for moment in moments(matches, teams) if moment.season >= since]
    return tuple(_table([row for rows in of_table for row in rows]) for of_table in zip(*known, strict=True))


def moment_rows(moment: Moment) -> tuple[list[Row], list[Row], list[Row]]:
    """The rows of `TeamForm`, `TeamRatings` and `TeamStrength` that a moment makes known."""
    key: Row = {"season": moment.season, "event_time": moment.at}
    rated = rating_rows(moment.state, moment.at) if moment.rated else {}
    strong = strength.strength_rows(moment.state.strength, moment.season, moment.at) if moment.rated else {}
    return (
        [{**key, "team": team, **form_row(moment.state, team)} for team in moment.played],
        [{**key, "team": team, **row} for team, row in rated.items()],
        [{**key, "team": team, **row} for team, row in strong.items()],
    )


def midnight_after(moment: datetime) -> datetime:
    """The end of the UTC day of a moment."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def match_days(matches: pd.DataFrame) -> Iterator[list[Match]]:
    """Matches in the order of their kick-offs, a list for each UTC day."""
    ordered = matches.sort_values(["kickoff", "home"])
    pairs = [ordered[[f"{side}_{what}" for side in SIDES]].to_numpy().tolist() for what in ("goals", "xg", "own_xg")]
    sides = (ordered[column].tolist() for column in ("season", "kickoff", "home", "away"))
    found = [
        Match(season, kickoff.to_pydatetime(), home, away, *map(tuple, of_both))
        for season, kickoff, home, away, *of_both in zip(*sides, *pairs, strict=True)
    ]
    for _, day in groupby(found, lambda match: match.kickoff.date()):
        yield list(day)


def _table(rows: list[Row]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    table["event_time"] = table["event_time"].astype("datetime64[us, UTC]")
    return table.sort_values(["event_time", "team"], ignore_index=True)
