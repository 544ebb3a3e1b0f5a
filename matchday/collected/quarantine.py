"""Quarantine: rows of live sources that were refused, each with its reason, and what a person decided about it.

A row that broke a schema cannot be released, for no table could hold it. A row that broke a truth which can be waived
can: the next update whose source still says it takes it in, and it counts as known from then on.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.collected.report import RefusedRow
from matchday.collected.truths import TRUTHS, Latest, Truth, broken_truths
from matchday.collected.versions import UNSAID, subject
from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.sources.rows import Refusal
from matchday.tables import columns, name
from matchday.tables.arrow import dtypes
from matchday.tables.refused_rows import RefusedRows

SCHEMA = "schema"
"""The rule of rows that no table could hold."""


class QuarantineError(MatchdayError):
    """A row that is not in quarantine, or one that cannot be released."""


class Quarantine:
    """The refused rows of a lake. Raises StorageError and LakeError as the lake does."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def rows(self, state: str | None = None) -> pd.DataFrame:
        """All refused rows, or those of a state, oldest first."""
        if self._lake.fingerprint(RefusedRows) is None:
            return _frame([])
        rows = self._lake.read(RefusedRows)
        return rows if state is None else rows[rows["state"] == state].reset_index(drop=True)

    def keep(self, refused: pd.DataFrame) -> pd.DataFrame:
        """Keep rows of `RefusedRows`. Returns those that were not there before; the others stay as they were."""
        fresh = refused[~refused["id"].isin(self.rows()["id"])].drop_duplicates("id").reset_index(drop=True)
        if len(fresh):
            self._lake.append(RefusedRows, fresh)
        return fresh

    def find(self, named: str) -> pd.DataFrame:
        """The row of an id, or the rows with a key, such as a match_id. Raises QuarantineError when there is none."""
        rows = self.rows()
        found = rows[(rows["id"] == named) | (rows["key"] == named)].reset_index(drop=True)
        if found.empty:
            raise QuarantineError(f"nothing in quarantine is called {named}; see 'matchday data quarantine list'")
        return found

    def release(self, named: str, now: datetime) -> pd.DataFrame:
        """Let rows in at the next update. Returns them. Raises QuarantineError for one that cannot be released."""
        found = self.find(named)
        waivable = {truth.name for truths in TRUTHS.values() for truth in truths if truth.waivable}
        for row in found.to_dict("records"):
            if row["rule"] not in waivable:
                raise QuarantineError(
                    f"{row['id']} cannot be released, for no table could hold it: {row['reason']};"
                    " it goes in by itself once the source has mended it"
                )
        return self._decide(found, "released", now)

    def drop(self, named: str, now: datetime) -> pd.DataFrame:
        """Speak of rows no longer. Returns them. Raises QuarantineError when there is none."""
        return self._decide(self.find(named), "dropped", now)

    def released(self) -> set[str]:
        """Ids of the rows that may go in."""
        return set(self.rows("released")["id"])

    def needed(self) -> set[str]:
        """Sums of the raw answers that rows in quarantine came in."""
        return set(self.rows()["raw"])

    def _decide(self, rows: pd.DataFrame, state: str, now: datetime) -> pd.DataFrame:
        decided = rows.assign(state=state, decided_at=pd.Timestamp(now)).astype(dtypes(RefusedRows))
        self._lake.append(RefusedRows, decided)
        return decided


def refuse_unreadable(refusals: Sequence[Refusal], now: datetime) -> pd.DataFrame:
    """Rows of `RefusedRows` for what a source's reader could not read."""
    rows = []
    for one in refusals:
        key = _key_of(one.content)
        row = {"source": one.source, "season": one.season, "table": one.table, "key": key, "rule": SCHEMA}
        named = {**row, "reason": one.reason}
        rows.append({**named, "id": _id(named), "content": one.content, "raw": one.raw, "known_at": now})
    return _frame(rows)


def separate_untrue(
    table: type[DataFrameModel], rows: pd.DataFrame, latest: Latest, released: set[str], now: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to take in, and those that break a truth as rows of `RefusedRows`.

    A row that was released is taken in, as known from `now`.
    """
    rows = rows.reset_index(drop=True)
    broken = broken_truths(name(table), rows, latest)
    refused = {at: _untrue(table, rows.iloc[at], *why) for at, why in broken.items()}
    waived = [at for at, row in refused.items() if row["id"] in released]
    stay = [row for at, row in refused.items() if at not in waived]
    taken = rows.copy()
    taken.loc[waived, "known_at"] = pd.Timestamp(now)
    return taken.drop(index=[at for at in refused if at not in waived]).reset_index(drop=True), _frame(stay)


def read_rows(frame: pd.DataFrame) -> list[RefusedRow]:
    """Rows of `RefusedRows` as values."""
    moments = {"known_at", "decided_at"}
    return [
        RefusedRow(**{str(key): _moment(value) if key in moments else str(value) for key, value in row.items()})
        for row in frame.to_dict("records")
    ]


def _moment(value: Any) -> str:
    return "" if pd.isna(value) else str(value.isoformat(timespec="seconds"))


def _untrue(table: type[DataFrameModel], row: pd.Series, truth: Truth, reason: str) -> dict[str, Any]:
    content = row.drop(list(UNSAID)).to_json(date_format="iso", date_unit="s")
    about = [column for column in subject(table) if column not in ("source", "season")]
    named = {"source": row["source"], "season": row["season"], "table": name(table), "rule": truth.name}
    key = " ".join(str(row[column]) for column in about)
    return {
        **named,
        "key": key,
        "id": _id({**named, "key": key, "content": content}),
        "reason": reason,
        "content": content,
        "raw": row["raw"],
        "known_at": row["known_at"],
    }


def _id(named: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:12]


def _key_of(content: str) -> str:
    """What a source's own row is about: its number, or its teams; else the sum of its content."""
    row = json.loads(content)
    if isinstance(row, dict) and row.get("id") is not None:
        return f"id {row['id']}"
    if isinstance(row, dict) and row.get("HomeTeam") and row.get("AwayTeam"):
        return f"{row['HomeTeam']} - {row['AwayTeam']}"
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    whole = [{"state": "kept", "decided_at": None, **row} for row in rows]
    return pd.DataFrame(whole, columns=columns(RefusedRows)).astype(dtypes(RefusedRows))
