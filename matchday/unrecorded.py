"""Statistics that nobody recorded in a match, although the source says 0."""

import pandas as pd

ALWAYS_SOMEONE = ("influence", "creativity", "threat", "xg", "xa", "xgc")
"""Columns of appearances of which no match leaves every player without any."""


def unrecorded(rows: pd.DataFrame, column: str) -> pd.Series:
    """True for the rows of matches in which a column of `ALWAYS_SOMEONE` is 0 for every player, though some played.

    rows: of `Appearances` or `ObservedAppearances`. Known to be so of gameweek 38 of 21/22 and of 22/23.
    """
    played = rows["minutes"].groupby(rows["match_id"]).transform("max") > 0
    return played & (rows[column].groupby(rows["match_id"]).transform("max") == 0)


def blank_unrecorded(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with null where a statistic was not recorded."""
    return rows.assign(**{column: rows[column].mask(unrecorded(rows, column)) for column in ALWAYS_SOMEONE})


def unrecorded_statistics(rows: pd.DataFrame) -> list[str]:
    """Match and column of every statistic that says 0 where it was not recorded."""
    found = []
    for column in ALWAYS_SOMEONE:
        found += [f"{match} ({column})" for match in rows.loc[unrecorded(rows, column), "match_id"].unique()]
    return sorted(found)
