"""Lines and tables are printed as they are, whole, whatever they hold and however narrow the terminal is."""

import io

import pytest
from rich.console import Console

from console.cli import screen


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 20 characters."""
    buffer = io.StringIO()
    terminal = Console(file=buffer, highlight=False, soft_wrap=True, width=20)
    monkeypatch.setattr(screen, "terminal", lambda: terminal)
    return buffer


def test_a_table_is_never_cut(narrow: io.StringIO) -> None:
    words = [f"a long title {number}" for number in range(12)]
    screen.table(words, [[word.upper() for word in words]])
    head, row = narrow.getvalue().splitlines()
    assert all(word in head and word.upper() in row for word in words)


def test_text_is_no_markup(narrow: io.StringIO) -> None:
    text = "took [bold]features[/bold] [0.1, 0.2] :tada: of [/] a very long line"
    screen.say(text, "(see [dim])")
    screen.table(("[red]", ":tada:"), [("[/red]", "[1]")])
    line, head, row = narrow.getvalue().splitlines()
    assert line == f"{text} (see [dim])"
    assert head.split() == ["[red]", ":tada:"] and row.split() == ["[/red]", "[1]"]
