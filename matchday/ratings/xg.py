"""Expected goals (xG) of both sides of a match, with a stand-in for the seasons that have none.

From 2022/23 a team's expected goals are the sum over its players. Before, the fantasy game's `threat` and
`creativity` of its players and the `saves` of the other side's stand in: a Poisson regression of goals on their
logarithms, fitted on the seasons before the one it is applied to, so that no season helps to describe itself.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.ratings.poisson import poisson_regression

FloatArray = NDArray[np.float64]

SIDES = ("home", "away")


def with_xg(matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
    """Matches with `home_xg` and `away_xg` (goals; NaN where nothing is known), in the order given."""
    table = _with_sums(matches, appearances)
    described = (
        table[[f"{side}_{what}" for side in SIDES for what in ("threat", "creativity", "saves")]].notna().all(axis=1)
    )
    unknown = described & table[["home_xg", "away_xg"]].isna().any(axis=1)
    for season in sorted(table.loc[unknown, "season"].unique()):
        past = table[(table["season"] < season) & described]
        if past.empty:
            continue
        design = np.vstack([_design(past, side) for side in SIDES])
        goals = np.concatenate([past[f"{side}_goals"].to_numpy(float) for side in SIDES])
        weights = poisson_regression(design, goals)
        for side in SIDES:
            rows = unknown & (table["season"] == season) & table[f"{side}_xg"].isna()
            table.loc[rows, f"{side}_xg"] = np.exp(_design(table[rows], side) @ weights)
    return matches.assign(home_xg=table["home_xg"].to_numpy(), away_xg=table["away_xg"].to_numpy())


def _with_sums(matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
    columns = ["xg", "threat", "creativity", "saves"]
    sums = appearances.groupby(["match_id", "team"])[columns].sum(min_count=1).reset_index()
    table = matches.reset_index(drop=True)
    for side in SIDES:
        named = sums.rename(columns={"team": side, **{c: f"{side}_{c}" for c in columns}})
        table = table.merge(named, on=["match_id", side], how="left", validate="one_to_one")
    return table


def _design(table: pd.DataFrame, side: str) -> FloatArray:
    other = "away" if side == "home" else "home"
    columns = [table[f"{side}_threat"], table[f"{side}_creativity"], table[f"{other}_saves"]]
    return np.column_stack([np.ones(len(table)), *(np.log1p(column.to_numpy(float)) for column in columns)])
