"""The failure of a table to keep its schema."""

from collections.abc import Mapping, Sequence

from matchday.errors import MatchdayError

SHOWN = 5


class TableError(MatchdayError):
    """A frame that breaks its table's schema.

    table, column, rule: what was broken where (column is "" for a rule about whole rows). rows: up to five
    offending rows, each with the table's key and the columns that the rule speaks of. broken: how many rows
    break it. others: how many further rules the same frame breaks.
    """

    def __init__(
        self,
        table: str,
        column: str,
        rule: str,
        rows: Sequence[Mapping[str, object]] = (),
        broken: int = 0,
        others: int = 0,
    ) -> None:
        self.table, self.column, self.rule = table, column, rule
        self.rows = [dict(row) for row in rows[:SHOWN]]
        self.broken, self.others = broken, others
        super().__init__(self._message())

    def _message(self) -> str:
        where = f"table {self.table}" + (f", column {self.column}" if self.column else "")
        parts = [f"{where}: breaks the rule '{self.rule}'"]
        if self.rows:
            shown = "; ".join(_row(row) for row in self.rows)
            more = f" and {self.broken - len(self.rows)} more" if self.broken > len(self.rows) else ""
            parts.append(f" in {self.broken} row{'s' * (self.broken != 1)}: {shown}{more}")
        if self.others:
            parts.append(f" (and {self.others} other rule{'s' * (self.others != 1)})")
        return "".join(parts)

    def __reduce__(self) -> tuple[type["TableError"], tuple[object, ...]]:
        return type(self), (self.table, self.column, self.rule, self.rows, self.broken, self.others)


def _row(row: Mapping[str, object]) -> str:
    return "(" + ", ".join(f"{name}={value}" for name, value in row.items()) + ")"
