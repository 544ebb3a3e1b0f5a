"""The local run: what it keeps from one run to the next, and what it takes away."""

from pathlib import Path

import pytest
from kfp import dsl

from components.image import component
from pipelines import local


@component
def count(number: int, told: dsl.Output[dsl.Dataset]) -> None:
    """Write a number down."""
    from pathlib import Path

    Path(told.path).write_text(str(number), encoding="utf-8")
    print(f"» counted {number}")


@dsl.pipeline(name="counting")
def counting(number: int) -> None:
    """One step that can be taken from the cache."""
    count(number=number)


def runs(home: Path) -> list[str]:
    return [folder.name for folder in home.glob("pipelines/*/artifacts/*")]


def ran(number: int) -> bool:
    lines: list[str] = []
    local.run(counting, lines.append, number=number)
    return any("counted" in line for line in lines)


def test_old_runs_are_swept_and_what_they_made_is_made_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "RUNS", 2)
    assert ran(1)
    assert not ran(1), "taken from the cache"
    for number in (2, 3, 4):
        assert ran(number)
        assert len(runs(home)) <= 3
    assert ran(1), "its artifact is gone, so the step runs"
    assert not ran(1)


def test_caches_of_former_sources_are_swept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in range(local.CACHES + 2):
        monkeypatch.setattr(local, "sources", lambda version=version: f"sources-{version}")
        ran(1)
    assert len(list(home.glob("pipelines/*"))) == local.CACHES
