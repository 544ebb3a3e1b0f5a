"""The gate: a frame keeps its table's schema or is refused with a message a person can act on."""

import re

import pandas as pd
from pandera.errors import SchemaErrors
from pandera.pandas import DataFrameModel

from matchday.tables.error import SHOWN, TableError
from matchday.tables.keeping import keeps_schema
from matchday.tables.table import columns, key, name

MISSING, EXTRA, UNIQUE = "column_in_dataframe", "column_in_schema", "multiple_fields_uniqueness"


def validate(table: type[DataFrameModel], frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the table's columns in order and a fresh index, values untouched.

    Raises TableError for the first broken rule, with up to five of the rows that break it.
    """
    rows = frame.reset_index(drop=True)
    if not keeps_schema(table, rows):
        try:
            table.to_schema().validate(rows, lazy=True)
        except SchemaErrors as broken:
            raise _first(table, rows, broken.failure_cases) from None
    return rows[columns(table)]


def separate(table: type[DataFrameModel], frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[int, str]]:
    """The rows that keep the schema, and for each other one, by its place (0..n-1), the rule that it breaks.

    Of rows with one key the first stays. Raises TableError when the columns or their dtypes are not the table's.
    """
    rows = frame.reset_index(drop=True)
    broken: dict[int, str] = {}
    while True:
        kept = rows.drop(index=list(broken))
        if keeps_schema(table, kept):
            return kept.reset_index(drop=True)[columns(table)], broken
        try:
            table.to_schema().validate(kept, lazy=True)
            return kept.reset_index(drop=True)[columns(table)], broken
        except SchemaErrors as found:
            cases = found.failure_cases.dropna(subset=["index"])
            if cases.empty:
                raise _first(table, kept.reset_index(drop=True), found.failure_cases) from None
            doubles = set(kept[kept.duplicated(key(table) or None)].index)
            for at, column, check in cases[["index", "column", "check"]].itertuples(index=False):
                if check != UNIQUE or at in doubles:
                    broken.setdefault(int(at), _sentence(str(column), str(check)))


def _sentence(column: str, check: str) -> str:
    if check in _PLAIN:
        return f"breaks a rule: {_PLAIN[check]}"
    of_a_column = re.fullmatch(r"\w+(\(.*\))?", check)
    return f"breaks a rule: {column} {check}" if of_a_column else f"breaks a rule: {check}"


def _first(table: type[DataFrameModel], rows: pd.DataFrame, cases: pd.DataFrame) -> TableError:
    rules = cases[["column", "check"]].astype(object).where(cases[["column", "check"]].notna(), "")
    rules["column"] = rules["column"].where(cases["schema_context"] == "Column", "")
    distinct = rules.drop_duplicates()
    worst = min(distinct.index, key=lambda at: (_urgency(str(distinct.loc[at, "check"])), at))
    column, check = str(rules.loc[worst, "column"]), str(rules.loc[worst, "check"])
    same = cases[(rules["column"] == column) & (rules["check"] == check)]
    if check in (MISSING, EXTRA):
        column = str(same["failure_case"].iloc[0])
    places = same["index"].dropna().astype(int).drop_duplicates().tolist()
    shown = rows.loc[places[:SHOWN], _telling(table, rows, column, check)]
    rows_shown = [{str(k): v for k, v in row.items()} for row in shown.to_dict("records")]
    rule = _PLAIN.get(check, check)
    if check.startswith("dtype"):
        rule = f"{check}, found {same['failure_case'].iloc[0]}"
    return TableError(name(table), column, rule, rows_shown, len(places), len(distinct) - 1)


_PLAIN = {
    MISSING: "the column is missing",
    EXTRA: "the column is not part of the table",
    "not_nullable": "no value is missing",
    UNIQUE: "the key is unique",
}


def _urgency(check: str) -> int:
    """Structure first: a missing column or a wrong dtype makes other findings follow."""
    for rank, start in enumerate((MISSING, EXTRA, "dtype", "not_nullable")):
        if check.startswith(start):
            return rank
    return 9


def _telling(table: type[DataFrameModel], rows: pd.DataFrame, column: str, check: str) -> list[str]:
    """The columns worth showing: the key, the column itself, and those the rule names."""
    named = set(re.findall(r"\w+", check)) | {column, *key(table)}
    return [str(shown) for shown in rows.columns if shown in named]
