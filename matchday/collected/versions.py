"""Versioned rows: what a source newly says is added, what it says again is not."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.tables import columns, key

UNSAID = ("known_at", "raw")
"""Columns that do not make a row another version."""


def subject(table: type[DataFrameModel]) -> list[str]:
    """The columns that say what a row is about: its key without the time."""
    return [column for column in key(table) if column != "known_at"]


def new_versions(table: type[DataFrameModel], known: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Those of `rows` that say something else than the version before them, in `known` or among themselves.

    A row that is not newer than the latest version in `known` is history that came late: it stays out, as it would
    rewrite what was known.
    """
    latest, added = newest(table, known), [rows.iloc[:0]]
    for _, batch in rows.groupby("known_at", sort=True):
        if len(added[-1]):
            latest = newest(table, stack([latest, added[-1]]))
        added.append(batch[_differs(table, latest, batch)])
    return stack(added)


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one table below each other, with a fresh index."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled or frames[:1], ignore_index=True)


def _differs(table: type[DataFrameModel], latest: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """True where a row is newer than the latest version of its subject, and says something else."""
    said = [column for column in columns(table) if column not in (*UNSAID, *subject(table))]
    if latest.empty:
        return np.ones(len(rows), dtype=bool)
    both = rows.merge(latest, on=subject(table), how="left", suffixes=("", "_before"))
    changed = ~pd.concat([same(both[column], both[f"{column}_before"]) for column in said], axis=1).all(axis=1)
    fresh = both["known_at_before"].isna() | (changed & (both["known_at"] > both["known_at_before"]))
    return fresh.to_numpy(dtype=bool)


def same(one: pd.Series, other: pd.Series) -> pd.Series:
    """True where two columns say the same; two missing values do."""
    return (one == other).fillna(False).astype(bool) | (one.isna() & other.isna())


def newest(table: type[DataFrameModel], rows: pd.DataFrame, moment: datetime | None = None) -> pd.DataFrame:
    """The version of each subject that held just before `moment`; without one, the latest."""
    if moment is not None:
        rows = rows[rows["known_at"] < moment]
    ordered = rows.sort_values("known_at", kind="stable")
    return ordered.drop_duplicates(subject(table), keep="last").sort_index().reset_index(drop=True)
