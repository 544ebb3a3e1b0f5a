"""Rows of live sources that were refused: the quarantine."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.observed import SHA256, SOURCE
from matchday.tables.table import SEASON, Moment, Table

STATES = ("kept", "released", "dropped")


class RefusedRows(Table):
    """Rows that broke a rule and were not taken in. Key: id. Sorted by season, known_at, id.

    id: 12 digits, of what is refused and why; the same row refused again has the same one. table: the row's own table.
    key: what the row is about, such as a match_id. rule: `schema`, or the name of a truth. content: JSON, of the
    source's own row for `schema`, else of the table's. known_at: when it was first refused. raw: sha256 of the answer
    that it came in. state: kept; released (taken in when the source says it again); dropped (no longer spoken of).
    decided_at: when it was released or dropped.
    """

    id: Series[str] = pa.Field(str_matches=r"^[0-9a-f]{12}$")
    source: Series[str] = pa.Field(str_matches=SOURCE)
    season: Series[str] = pa.Field(str_matches=SEASON)
    table: Series[str] = pa.Field(str_length={"min_value": 1})
    key: Series[str] = pa.Field(str_length={"min_value": 1})
    rule: Series[str] = pa.Field(str_length={"min_value": 1})
    reason: Series[str] = pa.Field(str_length={"min_value": 1})
    content: Series[str]
    known_at: Series[Moment]
    raw: Series[str] = pa.Field(str_matches=SHA256)
    state: Series[str] = pa.Field(isin=STATES)
    decided_at: Series[Moment] = pa.Field(nullable=True)

    class Config(Table.Config):
        unique = ["id"]
        metadata = {"sorted_by": ["season", "known_at", "id"]}
