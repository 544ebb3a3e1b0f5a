"""Rows read from an answer: those that keep their table's schema, and those refused, each with its reason."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.errors import MatchdayError
from matchday.sources.upstream import Received, SourceError
from matchday.tables import columns, name
from matchday.tables.arrow import dtypes
from matchday.tables.validation import separate

MOST_REFUSED = 0.5
"""Share of refused rows above which the answer itself is broken: a column was renamed, say."""


@dataclass(frozen=True)
class Refusal:
    """A row that is not taken in. content: the row as it came, JSON. raw: sha256 of its answer."""

    source: str
    season: str
    table: str
    reason: str
    content: str
    raw: str


class RowReader:
    """Rows of one table from one answer. Every row gets the answer's source, season, time and sum."""

    def __init__(self, table: type[DataFrameModel], source: str, season: str, received: Received) -> None:
        self._table, self._source, self._season, self._received = table, source, season, received
        self._rows: list[tuple[dict[str, Any], str]] = []
        self.refused: list[Refusal] = []

    def add(self, content: Any, read: Callable[[Any], Mapping[str, Any]]) -> None:
        """Read one row. A KeyError, TypeError, ValueError or MatchdayError of `read` is the reason to refuse it."""
        written = json.dumps(content, ensure_ascii=False, default=str)
        try:
            self._rows.append((dict(read(content)), written))
        except KeyError as missing:
            self._refuse(f"has no {missing.args[0]}", written)
        except (TypeError, ValueError, MatchdayError) as why:
            self._refuse(str(why), written)

    def frame(self) -> pd.DataFrame:
        """The rows that keep the schema, in the table's columns; the others are refused.

        Raises SourceError when more than half of the rows are refused: then the answer is not what it should be.
        """
        fixed = {
            "source": self._source,
            "season": self._season,
            "known_at": self._received.known_at,
            "raw": self._received.origin.sha256,
        }
        total = len(self._rows) + len(self.refused)
        kinds = dtypes(self._table)
        rows = pd.DataFrame([fixed | row for row, _ in self._rows], columns=columns(self._table))
        good, broken = separate(self._table, rows.astype(kinds))
        for index, reason in broken.items():
            self._refuse(reason, self._rows[index][1])
        if len(self.refused) > MOST_REFUSED * total:
            raise SourceError(
                f"{self._source}: {self._received.origin.address} is not what it was: {len(self.refused)} of {total}"
                f" rows of {name(self._table)} cannot be read, the first because it {self.refused[0].reason}",
                reachable=True,
            )
        return good

    def _refuse(self, reason: str, content: str) -> None:
        raw = self._received.origin.sha256
        self.refused.append(Refusal(self._source, self._season, name(self._table), reason, content, raw))
