"""The command line in this process: what it prints, and how it ends."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console

from console.cli import main, screen
from matchday import telemetry


class Printed:
    """Lines that commands print."""

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


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def refusal(self) -> str:
        """The one line of a refusal."""
        assert self.code == 2, self
        assert self.stdout == "", self
        assert len(self.stderr.splitlines()) == 1, self.stderr
        assert self.stderr.startswith("matchday: ")
        assert "Traceback" not in self.stderr
        return self.stderr


RunCommand = Callable[..., Ended]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What the commands of a test print."""
    buffer = io.StringIO()
    terminal = Console(file=buffer, highlight=False, soft_wrap=True)
    monkeypatch.setattr(screen, "terminal", lambda: terminal)
    return Printed(buffer)


@pytest.fixture
def matchday(
    printed: Printed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunCommand]:
    """`matchday ARGUMENTS` without a process of its own: importing everything again would take seconds each time."""

    def run(*arguments: str, **environ: str) -> Ended:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["matchday", *arguments])
        before = len(printed.text())
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        telemetry.shutdown()
        plain = capsys.readouterr()
        return Ended(int(ended.value.code or 0), plain.out + printed.text()[before:], plain.err)

    yield run
    telemetry.shutdown()
