"""Rows of small tables."""

import os
from pathlib import Path

import pandas as pd
from pandera.typing.pandas import Series

from matchday.lake import Lake
from matchday.tables import Table


class Points(Table):
    """A table without seasons."""

    x: Series[int]


class Goals(Table):
    """A table with seasons and a key. Sorted by it."""

    season: Series[str]
    x: Series[int]
    goals: Series[int]

    class Config(Table.Config):
        unique = ["season", "x"]  # noqa: RUF012


def teams(*codes: str, season: str = "2526") -> pd.DataFrame:
    """Rows of Teams."""
    return pd.DataFrame({"season": season, "team": list(codes), "name": [f"Name of {code}" for code in codes]})


def goals(*xs: int, season: str = "2526", scored: int = 0) -> pd.DataFrame:
    """Rows of Goals."""
    return pd.DataFrame({"season": season, "x": xs, "goals": scored}).astype({"season": object})


def stored(frame: pd.DataFrame) -> pd.DataFrame:
    """As the lake gives it back: seasons ascending, rows as they were."""
    return frame.sort_values("season", kind="stable", ignore_index=True)


def files(root: Path) -> set[str]:
    """Parquet files below a root, and drafts of any file."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {str(path) for path in found if path.suffix in (".parquet", ".draft")}


def acknowledged(notes: Path) -> set[tuple[str, int]]:
    """Season and x of the rows that `append_many` has noted."""
    lines = notes.read_text().splitlines(keepends=True) if notes.exists() else []
    return {(line.split()[0], int(line.split()[1])) for line in lines if line.endswith("\n")}


def append_many(url: str, notes: str, writer: int, first: int, last: int) -> None:
    """Append one row after the other to one of three seasons, and note each that the lake has taken."""
    lake = Lake(url)
    for x in range(first, last):
        season = ("2324", "2425", "2526")[x % 3]
        lake.append(Goals, goals(1000 * writer + x, season=season))
        with open(notes, "a") as noted:
            noted.write(f"{season} {1000 * writer + x}\n")
            noted.flush()
            os.fsync(noted.fileno())
