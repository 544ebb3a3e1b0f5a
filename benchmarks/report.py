"""How a benchmark tells what it measured: a table for people, JSON for the repository."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent / "results"

WIDTH = 120
"""Columns that a table may take where nothing says how wide the screen is."""


@dataclass(frozen=True)
class Measure:
    """One figure. bar: what it should keep, as `<= 120` or `>= 8`; None where nothing is asked."""

    measure: str
    value: float
    unit: str
    bar: str | None = None

    @property
    def held(self) -> bool | None:
        """Whether the bar holds; None without one."""
        if self.bar is None:
            return None
        sign, limit = self.bar.split()
        return self.value <= float(limit) if sign == "<=" else self.value >= float(limit)


def report(
    name: str, measures: Sequence[Measure], folder: Path = RESULTS, shown: Sequence[Measure] | None = None
) -> Path:
    """Print the measures as a table and write them to `NAME.json`; returns the file.

    shown: those of them that the table has; all by default.
    """
    table = Table("measure", "value", "unit", "bar", "", title=f"bench {name}", box=None, title_justify="left")
    for one in measures if shown is None else shown:
        verdict = {True: "held", False: "MISSED", None: ""}[one.held]
        table.add_row(one.measure, f"{one.value:,.4g}", one.unit, one.bar or "", verdict)
    Console(width=max(Console().width, WIDTH)).print(table)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(
        json.dumps([asdict(one) | {"value": float(one.value)} for one in measures], indent=1) + "\n", encoding="utf-8"
    )
    return file
