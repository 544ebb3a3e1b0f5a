"""Tables in Markdown."""

from collections.abc import Sequence


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column is text, the others figures, aligned right."""
    lines = [_line(columns), "| --- |" + " ---: |" * (len(columns) - 1), *map(_line, rows)]
    return "\n".join(lines)


def season_name(season: str) -> str:
    """The name that people use: 2023/24 of `2324`."""
    return f"20{season[:2]}/{season[2:]}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
