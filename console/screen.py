"""The terminal: one rich console, headings, tables."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
"""The terminal as it was at the start: a pipeline's own output, which is caught, does not catch this."""

LEAST_WIDTH = 110
"""Characters that a table may take: figures are not cut where no terminal says how wide it is."""


def heading(text: str) -> None:
    """A heading of a part of the output."""
    console.print(f"\n[bold]{text}[/bold]")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> None:
    """A table whose first `text_columns` are left-aligned text and whose rest are figures."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for position, column in enumerate(columns):
        drawn.add_column(column, justify="left" if position < text_columns else "right", no_wrap=True)
    for row in rows:
        drawn.add_row(*row)
    console.print(drawn, width=max(console.width, LEAST_WIDTH), crop=False)
