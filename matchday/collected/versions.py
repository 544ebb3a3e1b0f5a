"""Versioned rows: what a source newly says is added, what it says again is not."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.tables import columns, key

UNSAID = ("known_at", "raw")
"""Columns that do not make a row another version."""


def subject(table: type[DataFrameModel]) -> list[str]:
    """The columns that say what a row is about: its key without the time."""
    return [column for column in key(table) if column != "known_at"]


def new_versions(table: type[DataFrameModel], known: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Those of `rows` that say something else than the latest version of their subject in `known`.

    A row that is older than that version is history that came late: it stays out, as it would rewrite what was known.
    """
    if known.empty or rows.empty:
        return rows
    said = [column for column in columns(table) if column not in (*UNSAID, *subject(table))]
    latest = newest(table, known)[[*subject(table), "known_at", *said]]
    both = rows.merge(latest, on=subject(table), how="left", suffixes=("", "_before"), indicator=True)
    changed = pd.Series(False, index=both.index)
    for column in said:
        now, before = both[column], both[f"{column}_before"]
        changed |= ~((now == before).fillna(False).astype(bool) | (now.isna() & before.isna()))
    fresh = (both["_merge"] == "left_only") | (changed & (both["known_at"] > both["known_at_before"]))
    return rows[fresh.to_numpy()].reset_index(drop=True)


def newest(table: type[DataFrameModel], rows: pd.DataFrame, moment: datetime | None = None) -> pd.DataFrame:
    """The version of each subject that held just before `moment`; without one, the latest."""
    if moment is not None:
        rows = rows[rows["known_at"] < moment]
    ordered = rows.sort_values("known_at", kind="stable")
    return ordered.drop_duplicates(subject(table), keep="last").sort_index().reset_index(drop=True)


def changes(
    table: type[DataFrameModel], before: pd.DataFrame, added: pd.DataFrame, fields: Sequence[str]
) -> pd.DataFrame:
    """What added versions changed: the subject, and each field before and now; rows of new subjects are left out."""
    wanted = [*subject(table), *fields]
    both = newest(table, before)[wanted].merge(added[wanted], on=subject(table), suffixes=("_before", ""))
    differ = pd.Series(False, index=both.index)
    for column in fields:
        same = (both[column] == both[f"{column}_before"]).fillna(False).astype(bool)
        differ |= ~(same | (both[column].isna() & both[f"{column}_before"].isna()))
    return both[differ].reset_index(drop=True)
