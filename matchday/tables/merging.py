"""Merging rows into a table."""

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.tables.table import key, order
from matchday.tables.validation import validate


def merge(table: type[DataFrameModel], former: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Both frames as one, in the table's order; a row of `rows` replaces the former row that has its key.

    Without a key all rows stay. Raises TableError when the result breaks the table's schema.
    """
    both = pd.concat([former, rows], ignore_index=True)
    if unique := key(table):
        both = both.drop_duplicates(unique, keep="last")
    if columns := order(table):
        both = both.sort_values(columns, kind="stable")
    return validate(table, both)
