"""What is known of each team's strength: attack and defence, home edge, and whether it is settled."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from matchday.deductions import deducted
from matchday.ratings import home_edge, stakes, strength
from matchday.ratings.home_edge import HomeEdgeState
from matchday.ratings.stakes import StakesState
from matchday.ratings.strength import Pair, StrengthState


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


def observe(
    state: LeagueStrength, kickoff: datetime, home: str, away: str, goals: tuple[int, int], own_xg: Pair, xg: Pair
) -> LeagueStrength:
    """The state after one more match.

    own_xg: expected goals; xg: the same, or what stands in for them; NaN where unknown.
    """
    return LeagueStrength(
        strength.observe(state.strength, kickoff, home, away, goals, own_xg, stand_in=xg),
        home_edge.observe(state.home_edge, kickoff, home, goals),
        stakes.observe(state.stakes, home, away, *goals),
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
