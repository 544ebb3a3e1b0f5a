"""What every table has in common: strict columns, no silent conversion, a name and a key."""

import re
from typing import Annotated

import pandas as pd
import pandera.pandas as pa

Moment = Annotated[pd.DatetimeTZDtype, "us", "utc"]
"""A point in time: microseconds, UTC."""

TEAM = r"^[A-Z]{3}$"
"""Three letters of a team: ARS."""

SEASON = r"^\d{4}$"
"""Two digits of the first year, two of the second: 2526."""

MATCH_ID = r"^\d{4}-[A-Z]{3}-[A-Z]{3}$"
"""Season, home team, away team: 2526-ARS-LIV."""

POSITIONS = ("GK", "DEF", "MID", "FWD", "MNG")
"""Goalkeeper, defender, midfielder, forward, and the assistant managers of 24/25."""


class Table(pa.DataFrameModel):
    """Base of all tables. Columns are exact: none missing, none extra, no dtype converted."""

    class Config:
        strict = True
        coerce = False


def name(table: type[pa.DataFrameModel]) -> str:
    """The table's name in paths and messages: `TeamForm` is `team_form`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", table.__name__).lower()


def columns(table: type[pa.DataFrameModel]) -> list[str]:
    """The table's columns in order."""
    return list(table.to_schema().columns)


def key(table: type[pa.DataFrameModel]) -> list[str]:
    """The columns that together are unique; empty when the table declares none."""
    unique = table.to_schema().unique
    return [unique] if isinstance(unique, str) else list(unique or [])


def order(table: type[pa.DataFrameModel]) -> list[str]:
    """The columns that rows are sorted by: `sorted_by` of its Config, else the key."""
    return list(getattr(table.Config, "metadata", {}).get("sorted_by", key(table)))


def match_ids(season: pd.Series, home: pd.Series, away: pd.Series) -> pd.Series:
    """Match ids from their three parts, each a column of strings."""
    return season + "-" + home + "-" + away


def follows(season: pd.Series) -> pd.Series:
    """True where the second year of a season is the one after the first: 9900 is, 2527 is not."""
    first = pd.to_numeric(season.str[:2], errors="coerce")
    second = pd.to_numeric(season.str[2:], errors="coerce")
    return (first + 1) % 100 == second
