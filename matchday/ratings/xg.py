"""Expected goals (xG) of both sides of a match, with a stand-in for the seasons that have none.

From 26 December 2022 a team's expected goals are the sum over its players. Before, the fantasy game's `threat` and
`creativity` of its players and the `saves` of the other side's stand in: a Poisson regression of goals on their
logarithms, fitted on the seasons before the one it is applied to, so that no season helps to describe itself. Where
those were not recorded either there are no expected goals, and goals alone count (`matchday.ratings.goals.observe`).
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.ratings.poisson import poisson_regression
from matchday.unrecorded import ALWAYS_SOMEONE

FloatArray = NDArray[np.float64]

SIDES = ("home", "away")
XG = tuple(f"{side}_xg" for side in SIDES)
OWN_XG = tuple(f"{side}_own_xg" for side in SIDES)
SUMMED = ("xg", "threat", "creativity", "saves")
"""Columns of appearances that describe a match when they are summed over the players of a side."""

FIRST_WITH_XG = "2223"
XG_PUBLISHED = pd.Timestamp("2022-12-26", tz="UTC")
"""Expected goals of 22/23 came out during the World Cup's break; matches before it were forecast without them."""

StandIn = FloatArray
"""Coefficients (4,) of log goals on a constant, log threat, log creativity and log saves."""


def with_xg(matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
    """Matches with `home_xg`, `home_own_xg` and the same of away, in the order given.

    xg: expected goals, or what stands in for them; NaN where nothing is known. own_xg: expected goals alone.
    """
    table = fill_seasons(with_sums(matches, appearances))
    return matches.assign(**{column: table[column].to_numpy() for column in (*XG, *OWN_XG)})


def fill_seasons(table: pd.DataFrame) -> pd.DataFrame:
    """Matches with sums, the missing expected goals of each season filled by what is learnt from those before it.

    `home_own_xg` and `away_own_xg` keep those that were not filled.
    """
    table = table.assign(**{own: table[xg] for own, xg in zip(OWN_XG, XG, strict=True)})
    for season in sorted(table.loc[_describable(table), "season"].unique()):
        rows = table["season"] == season
        table.loc[rows] = fill_xg(table[rows], fit_stand_in(table[table["season"] < season]))
    return table


def with_sums(matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
    """Matches with the sums of their sides' players: `home_xg`, `away_threat` and so on, NaN where no player has any.

    A statistic that is 0 for both sides was not recorded (`matchday.unrecorded`), but for saves: NaN too. Sums are
    rounded once, from the exact value: they do not depend on the order of the players. Expected goals of matches before
    `XG_PUBLISHED` are NaN: nobody had them at the time, and a state once observed is not observed again.
    """
    table = matches.reset_index(drop=True)
    grouped = _sums(appearances)
    for side in SIDES:
        keys = list(zip(table["match_id"], table[side], strict=True))
        for column in SUMMED:
            table[f"{side}_{column}"] = np.array([grouped[column].get(key, np.nan) for key in keys], np.float64)
    for column in set(SUMMED).intersection(ALWAYS_SOMEONE):
        both = [f"{side}_{column}" for side in SIDES]
        table.loc[(table[both] == 0).all(axis=1), both] = np.nan
    unpublished = (table["season"] == FIRST_WITH_XG) & (table["kickoff"] < XG_PUBLISHED)
    table.loc[unpublished, [f"{side}_xg" for side in SIDES]] = np.nan
    return table


def fit_stand_in(past: pd.DataFrame) -> StandIn | None:
    """What stands in for expected goals, learnt from past matches with sums; None when none of them is described."""
    past = past[_described(past)]
    if past.empty:
        return None
    design = np.vstack([_design(past, side) for side in SIDES])
    goals = np.concatenate([past[f"{side}_goals"].to_numpy(float) for side in SIDES])
    return poisson_regression(design, goals)


def fill_xg(table: pd.DataFrame, stand_in: StandIn | None) -> pd.DataFrame:
    """Matches with sums, their missing expected goals filled by the stand-in where they are described."""
    if stand_in is None:
        return table
    table, unknown = table.copy(), _describable(table)
    for side in SIDES:
        rows = unknown & table[f"{side}_xg"].isna()
        table.loc[rows, f"{side}_xg"] = [_expected(one, stand_in) for one in _design(table[rows], side)]
    return table


def _sums(appearances: pd.DataFrame) -> dict[str, dict[tuple[str, str], float]]:
    """Column -> (match, team) -> sum over the players of what is known."""
    matches, match_ids = pd.factorize(appearances["match_id"])
    teams, team_names = pd.factorize(appearances["team"])
    codes = matches * max(1, len(team_names)) + teams
    sums = {column: _sums_by(codes, appearances[column].to_numpy(float)) for column in SUMMED}
    return {
        column: {
            (match_ids[code // len(team_names)], team_names[code % len(team_names)]): one for code, one in of.items()
        }
        for column, of in sums.items()
    }


def _sums_by(codes: NDArray[np.intp], values: FloatArray) -> dict[int, float]:
    """The exact sum, rounded once, of the known values of each code."""
    known = ~np.isnan(values)
    codes, values = codes[known], values[known]
    order = np.argsort(codes, kind="stable")
    codes, parts = codes[order], values[order].tolist()
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    ends = [*starts[1:], len(parts)]
    found = zip(codes[starts].tolist(), starts, ends, strict=False)
    return {code: math.fsum(parts[start:end]) for code, start, end in found}


def _described(table: pd.DataFrame) -> pd.Series:
    """True where the stand-in's columns are known for both sides."""
    needed = [f"{side}_{what}" for side in SIDES for what in SUMMED[1:]]
    return table[needed].notna().all(axis=1)


def _describable(table: pd.DataFrame) -> pd.Series:
    """True where expected goals are missing and the stand-in can be had."""
    return _described(table) & table[[f"{side}_xg" for side in SIDES]].isna().any(axis=1)


def _expected(row: FloatArray, stand_in: StandIn) -> float:
    """Expected goals of one side; row by row, so that it does not depend on the matches beside it."""
    return math.exp(math.fsum((row * stand_in).tolist()))


def _design(table: pd.DataFrame, side: str) -> FloatArray:
    other = "away" if side == "home" else "home"
    columns = [table[f"{side}_threat"], table[f"{side}_creativity"], table[f"{other}_saves"]]
    return np.column_stack([np.ones(len(table)), *(np.log1p(column.to_numpy(float)) for column in columns)])
