"""The terminal: lines, headings, tables. rich is imported when the first line is printed, so that help is quick."""

import sys
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

STDOUT = sys.stdout
"""Standard output as the process began: KFP's local runner redirects it, and our own lines must not go there."""

UNLIMITED = 10_000
"""Characters: wider than any table, so that its figures are never cut to the width of the terminal."""


@cache
def terminal() -> "Console":
    """The one rich console of the process."""
    from rich.console import Console

    return Console(file=STDOUT, highlight=False, soft_wrap=True)


def say(text: str, note: str = "", style: str = "") -> None:
    """Print a line as it is, without markup. note: follows the text, dimmed."""
    from rich.text import Text

    line = Text(text, style)
    if note:
        line.append(f" {note}" if text else note, "dim")
    terminal().print(line)


def heading(text: str) -> None:
    """Print the heading of a part of the output."""
    terminal().print()
    say(text, style="bold")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> None:
    """Print a table: the first `text_columns` columns are text, aligned left, and the rest figures."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for position, column in enumerate(columns):
        drawn.add_column(Text(column), justify="left" if position < text_columns else "right", no_wrap=True)
    for row in rows:
        drawn.add_row(*map(Text, row))
    console = terminal()
    drawn.width = console.measure(drawn, options=console.options.update(max_width=UNLIMITED)).maximum
    console.print(drawn)
