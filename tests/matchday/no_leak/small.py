"""A league of four teams and three seasons, and changes of what happened in it after a moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from itertools import permutations

import numpy as np
import pandas as pd
from hypothesis import strategies as some

from matchday.backtest import RESULTS
from matchday.features.team import FULL_TIME, team_tables
from matchday.models.evaluation import evaluate
from matchday.models.match_outcome.recipe import OutcomeRecipe
from matchday.models.match_outcome.settled_goals import Parameters
from matchday.ratings.xg import with_xg
from tests import league

LEAGUES = 4
SEASONS = ("2122", "2223", "2324")
"""The first two without expected goals: the second takes the stand-in, learnt from the first."""
TEAMS = (("ARS", "BUR", "CHE", "LEE"), ("ARS", "BUR", "CHE", "EVE"), ("ARS", "CHE", "EVE", "FUL"))
"""By season; one goes down and one comes up each summer."""
GOALS = ("home_goals", "away_goals")
SAID = ("xg", "threat", "creativity", "saves")
QUICK = Parameters(settled_penalty=1.0, calibration_penalty=1.0, first_season="2122")


@dataclass(frozen=True)
class Happened:
    """Rows of Matches, and of Appearances as far as features read them (one player a team and match)."""

    matches: pd.DataFrame
    appearances: pd.DataFrame


@dataclass(frozen=True)
class Known:
    """All that is made of what happened."""

    form: pd.DataFrame
    ratings: pd.DataFrame
    strength: pd.DataFrame
    vectors: pd.DataFrame

    @cached_property
    def forecasts(self) -> dict[str, pd.DataFrame]:
        """By forecaster: each match of the last season, walked forward."""
        return {name: walk.forecasts for name, walk in evaluate(OutcomeRecipe(QUICK), self.vectors).walks.items()}


def happened(number: int) -> Happened:
    """What happened in one of the leagues."""
    random = np.random.default_rng(number)
    matches = pd.concat([_season(random, *season) for season in zip(SEASONS, TEAMS, strict=True)], ignore_index=True)
    sides = [matches[["match_id", "season", side]].rename(columns={side: "team"}) for side in ("home", "away")]
    rows = pd.concat(sides, ignore_index=True)
    for column, top in zip(SAID, (3.0, 150.0, 150.0, 8.0), strict=True):
        rows[column] = random.uniform(0, top, len(rows)).round(2)
    rows.loc[rows["season"] < SEASONS[-1], "xg"] = np.nan
    return Happened(matches, rows)


def _season(random: np.random.Generator, season: str, teams: tuple[str, ...]) -> pd.DataFrame:
    """Twelve matches, two of them at a time or hours apart, ten days from round to round."""
    pairs = random.permutation(list(permutations(teams, 2)))
    rounds = pd.Timestamp(f"20{season[:2]}-08-14T12:00Z") + pd.to_timedelta(np.repeat(np.arange(6) * 10, 2), "D")
    kickoff = rounds + pd.to_timedelta(random.choice([0, 1, 2, 7], 12), "h")
    table = pd.DataFrame({"season": season, "home": pairs[:, 0], "away": pairs[:, 1], "kickoff": kickoff})
    table["match_id"] = season + "-" + table["home"] + "-" + table["away"]
    table[list(GOALS)] = random.integers(0, 5, (12, 2))
    table.loc[table.index[:3], list(GOALS)] = [(1, 0), (1, 1), (0, 1)]
    return table.astype({"kickoff": "datetime64[us, UTC]"})


def known(world: Happened) -> Known:
    """Feature rows and vectors."""
    teams = pd.DataFrame([(season, team) for season, there in zip(SEASONS, TEAMS, strict=True) for team in there])
    teams.columns = pd.Index(["season", "team"])
    tables = team_tables(with_xg(world.matches, world.appearances), teams)
    return Known(*tables, league.joined(world.matches, *tables))


@cache
def as_it_was(number: int) -> Known:
    """What was known in one of the leagues; not to be written to."""
    return known(happened(number))


def moments(number: int) -> some.SearchStrategy[pd.Timestamp]:
    """Moments of a league's seasons: around kick-offs, final whistles and midnights, and any other."""
    matches = happened(number).matches
    last = matches["season"] == SEASONS[-1]
    tick = timedelta(microseconds=1)
    places = [timedelta(), FULL_TIME, timedelta(hours=1), timedelta(hours=12), timedelta(days=3)]

    def within(kickoffs: list[pd.Timestamp]) -> some.SearchStrategy[pd.Timestamp]:
        span = int((kickoffs[-1] - kickoffs[0]).total_seconds())
        near = some.builds(
            lambda kickoff, place, off: kickoff + place + off * tick,
            some.sampled_from(kickoffs[:-1]),
            some.sampled_from(places),
            some.integers(-1, 1),
        )
        return near | some.integers(0, span).map(lambda gone: kickoffs[0] + timedelta(seconds=gone))

    over = matches["kickoff"].max() + FULL_TIME
    anywhere = within(sorted(matches.loc[last, "kickoff"])) | within(sorted(matches["kickoff"]))
    return anywhere.filter(lambda moment: moment < over)


@dataclass(frozen=True)
class Change:
    """How a match that is not over at a moment comes out otherwise. what: `goals`, a column of SAID, or `rows`."""

    what: str
    seed: int
    share: float

    def apply(self, world: Happened, moment: pd.Timestamp) -> Happened:
        """The other world: some of the later matches, at least one, are changed."""
        random = np.random.default_rng(self.seed)
        matches, appearances = world.matches.copy(), world.appearances.copy()
        later = matches.index[matches["kickoff"] + FULL_TIME > moment]
        chosen = random.choice(later, max(1, int(self.share * len(later))), replace=False)
        rows = appearances["match_id"].isin(matches.loc[chosen, "match_id"])
        if self.what == "goals":
            off = random.integers(1, 5, (len(chosen), 2))
            matches.loc[chosen, list(GOALS)] = (matches.loc[chosen, list(GOALS)] + off) % 5
        elif self.what == "rows":
            appearances = appearances[~rows]
        else:
            appearances.loc[rows, self.what] = random.uniform(0, 9, rows.sum())
        return Happened(matches, appearances)


def differences(moment: pd.Timestamp, ours: Known, theirs: Known) -> Iterator[str]:
    """What was known or forecast at a moment and differs between two worlds that part after it."""
    for name in ("form", "ratings", "strength"):
        one, other = (getattr(world, name) for world in (ours, theirs))
        if not one[one["event_time"] <= moment].equals(other[other["event_time"] <= moment]):
            yield name
    begun = ours.vectors["kickoff"] <= moment
    over = ours.vectors["kickoff"] + FULL_TIME <= moment
    said = [name for name in RESULTS if name in ours.vectors]
    if not ours.vectors[begun].drop(columns=said).equals(theirs.vectors[begun].drop(columns=said)):
        yield "vectors"
    if not ours.vectors.loc[over, said].equals(theirs.vectors.loc[over, said]):
        yield "results"
    if not (begun & (ours.vectors["season"] == SEASONS[-1])).any():
        return
    for name, forecasts in ours.forecasts.items():
        before = forecasts["kickoff"] <= moment
        columns = ["match_id", "kickoff", "refit", "H", "D", "A"]
        if not forecasts.loc[before, columns].equals(theirs.forecasts[name].loc[before, columns]):
            yield f"forecasts of {name}"
