"""Rows read from an answer: those that keep their table's schema, and those refused, each with its reason."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.errors import MatchdayError
from matchday.sources.upstream import Received, SourceError
from matchday.tables import TableError, columns, name
from matchday.tables.arrow import dtypes
from matchday.tables.schedule import MATCHES_OF_A_SEASON
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
    """Rows of one table from one answer, or from several in turn. Each gets its answer's source, season, time and sum.

    The schema is checked once, by `frame`: a check takes as long for one row as for a thousand.
    """

    def __init__(self, table: type[DataFrameModel], source: str, season: str, received: Received) -> None:
        self._table, self._source, self._season, self._received = table, source, season, received
        self._rows: list[tuple[dict[str, Any], Any]] = []
        self._before = 0, 0
        self._listed = MATCHES_OF_A_SEASON
        self.refused: list[Refusal] = []

    def read_on(self, received: Received) -> None:
        """Go on with another answer."""
        self._received, self._before = received, (len(self._rows), len(self.refused))

    def check_answer(self) -> None:
        """Raise SourceError when more than half of the rows of the newest answer are refused so far."""
        rows, refused = self._before
        self._check(len(self._rows) - rows, self.refused[refused:])

    def add(self, content: Any, read: Callable[[Any], Mapping[str, Any]]) -> None:
        """Read one row. What `read` raises is the reason to refuse it, `ValueError("has no code")` best of all."""
        try:
            self._rows.append(({**self._stamp(), **read(content)}, content))
        except (ValueError, MatchdayError) as why:
            self.refuse(str(why), content)
        except KeyError as missing:
            self.refuse(f"has no {missing.args[0]}", content)
        except (IndexError, TypeError, ArithmeticError, AttributeError) as why:
            self.refuse(f"cannot be read ({type(why).__name__}: {why})", content)

    def refuse(self, reason: str, content: Any) -> None:
        """Note a row that is not taken in. reason: what follows "it"."""
        self._note(reason, write_content(content), self._received.origin.sha256)

    def expect_season(self, listed: int) -> None:
        """The answer is a list of all matches of a season, and has so many.

        One that leaves out a few is taken in: what was known of those matches stays. Less than half is no list of it.
        """
        self._listed = listed

    def frame(self) -> pd.DataFrame:
        """The rows that keep the schema, in the table's columns; the others are refused.

        Raises SourceError when more than half of the rows are refused, or half of a season is not listed: then the
        answer is not what it should be.
        """
        rows = pd.DataFrame([row for row, _ in self._rows], columns=columns(self._table))
        try:
            good, broken = separate(self._table, rows.astype(dtypes(self._table)))
        except (TableError, TypeError, ValueError, ArithmeticError) as why:
            raise self._changed(f"its rows do not fit into {name(self._table)} ({why})") from None
        for index, reason in broken.items():
            row, content = self._rows[index]
            self._note(reason, write_content(content), row["raw"])
        self._check(len(good), self.refused)
        if self._listed < MOST_REFUSED * MATCHES_OF_A_SEASON:
            raise self._changed(f"it has {self._listed} of {MATCHES_OF_A_SEASON} matches")
        return good

    def _check(self, good: int, refused: Sequence[Refusal]) -> None:
        total = good + len(refused)
        if len(refused) > MOST_REFUSED * total:
            raise self._changed(
                f"{len(refused)} of {total} rows of {name(self._table)} cannot be taken in, the first because it"
                f" {refused[0].reason}"
            )

    def _stamp(self) -> dict[str, Any]:
        return {
            "source": self._source,
            "season": self._season,
            "known_at": self._received.known_at,
            "raw": self._received.origin.sha256,
        }

    def _changed(self, why: str) -> SourceError:
        return SourceError(f"{self._source}: {self._received.origin.address} is not what it was: {why}", reachable=True)

    def _note(self, reason: str, content: str, raw: str) -> None:
        self.refused.append(Refusal(self._source, self._season, name(self._table), reason, content, raw))


def write_content(content: Any) -> str:
    """A row as JSON that can be stored: half a character becomes a question mark."""
    return json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
