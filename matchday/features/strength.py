"""Rows of what is known of each team's strength: attack and defence, home edge, and whether it is settled.

The table has a row for every team at the opening of a season and after each day with matches, as `team_ratings`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from matchday.deductions import deducted
from matchday.features.team import FULL_TIME, Row, midnight_after, season_opening
from matchday.ratings import home_edge, stakes, strength
from matchday.ratings.home_edge import HomeEdgeState
from matchday.ratings.stakes import StakesState
from matchday.ratings.strength import Pair, StrengthState
from matchday.ratings.xg import SIDES, fill_seasons, with_sums


@dataclass(frozen=True)
class DescribedMatch:
    """A finished match. Of home and away: goals, expected goals and what stands in for them, NaN where unknown."""

    season: str
    kickoff: datetime
    home: str
    away: str
    goals: tuple[int, int]
    xg: Pair
    stand_in: Pair


@dataclass(frozen=True)
class LeagueStrength:
    """Strength, home edge and stakes after some matches."""

    strength: StrengthState = field(default_factory=StrengthState)
    home_edge: HomeEdgeState = field(default_factory=HomeEdgeState)
    stakes: StakesState = field(default_factory=StakesState)


def open_season(state: LeagueStrength, teams: Iterable[str]) -> LeagueStrength:
    """The state with the teams of a new season."""
    teams = tuple(teams)
    return LeagueStrength(strength.open_season(state.strength, teams), state.home_edge, stakes.open_season(teams))


def observe(state: LeagueStrength, match: DescribedMatch) -> LeagueStrength:
    """The state after one more match."""
    sides = (match.home, match.away)
    return LeagueStrength(
        strength.observe(state.strength, match.kickoff, *sides, match.goals, match.xg, match.stand_in),
        home_edge.observe(state.home_edge, match.kickoff, match.home, match.goals),
        stakes.observe(state.stakes, *sides, *match.goals),
    )


def strength_rows(state: LeagueStrength, season: str, at: datetime) -> dict[str, dict[str, float]]:
    """Of each team of the season, as known at a moment: attack, defence, settled (0 or 1), level, home_edge."""
    edge = home_edge.fit(state.home_edge, at)
    fitted = strength.fit(state.strength, at, edge)
    settled = stakes.settled(state.stakes, deducted(season, at))
    shared = {"level": fitted.level, "home_edge": edge.at(at)}
    return {
        team: {
            "attack": fitted.attack[team],
            "defence": fitted.defence[team],
            "settled": float(team in settled),
            **shared,
        }
        for team in sorted(state.strength.teams)
    }


def strength_table(matches: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """The rows of all seasons, sorted by `event_time` and `team`.

    matches: as `with_xg_and_stand_in` gives them. teams: the teams of every season, `Teams`.
    """
    table = pd.DataFrame([row for moment in _moments(matches, teams) for row in moment])
    table["event_time"] = table["event_time"].astype("datetime64[us, UTC]")
    return table.sort_values(["event_time", "team"], ignore_index=True)


def with_xg_and_stand_in(matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
    """Matches with `home_xg`, `home_stand_in` and the same of away, NaN where unknown, in the order given."""
    sums = with_sums(matches, appearances)
    hidden = fill_seasons(sums.assign(home_xg=np.nan, away_xg=np.nan))
    found = {f"{side}_xg": sums[f"{side}_xg"].to_numpy() for side in SIDES}
    return matches.assign(**found, **{f"{side}_stand_in": hidden[f"{side}_xg"].to_numpy() for side in SIDES})


def _moments(matches: pd.DataFrame, teams: pd.DataFrame) -> Iterator[list[Row]]:
    state, last = LeagueStrength(), None
    for season, members in teams.groupby("season", sort=True)["team"]:
        name = str(season)
        state = open_season(state, members)
        yield _rows(state, name, season_opening(name, last))
        for _, day in _days(matches[matches["season"] == name]):
            for match in day:
                state, last = observe(state, match), match.kickoff
            if last is not None:
                yield _rows(state, name, max(midnight_after(last), last + FULL_TIME))


def _rows(state: LeagueStrength, season: str, at: datetime) -> list[Row]:
    found = strength_rows(state, season, at)
    return [{"season": season, "team": team, "event_time": at, **row} for team, row in found.items()]


def _days(matches: pd.DataFrame) -> Iterator[tuple[datetime, list[DescribedMatch]]]:
    ordered = matches.sort_values(["kickoff", "home"])
    for day, rows in ordered.groupby(ordered["kickoff"].dt.floor("D"), sort=True):
        yield (
            day,
            [
                DescribedMatch(
                    row["season"],
                    row["kickoff"].to_pydatetime(),
                    row["home"],
                    row["away"],
                    goals=(row["home_goals"], row["away_goals"]),
                    xg=(row["home_xg"], row["away_xg"]),
                    stand_in=(row["home_stand_in"], row["away_stand_in"]),
                )
                for row in rows.to_dict("records")
            ],
        )
