"""What the command line prints, caught."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from console.cli import screen


class Printed:
    """Standard output of commands that run in this process."""

    def __init__(self, buffer: io.StringIO) -> None:
        self._buffer = buffer

    def text(self) -> str:
        """Everything that was printed so far."""
        return self._buffer.getvalue()

    def by(self, command: Callable[..., None], *arguments: Any, **options: Any) -> str:
        """What one command prints."""
        before = len(self.text())
        command(*arguments, **options)
        return self.text()[before:]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What the commands of a test print."""
    buffer = io.StringIO()
    terminal = Console(file=buffer, highlight=False, soft_wrap=True)
    monkeypatch.setattr(screen, "terminal", lambda: terminal)
    return Printed(buffer)
