"""The local run: what it keeps from one run to the next, and what it takes away."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kfp import dsl

from components.image import component
from components.ingest import ingest
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


@component
def repeat(as_of: str) -> str:
    """Say the moment that was handed on."""
    print(f"» as of {as_of}")
    return as_of


@dsl.pipeline(name="timing")
def timing(as_of: str = "") -> None:
    """The first step of the training pipelines, and one that takes its moment."""
    repeat(as_of=ingest(as_of=as_of).set_caching_options(False).outputs["as_of"])


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


def test_a_run_without_a_moment_hands_on_its_own_time(home: Path) -> None:
    began, lines = datetime.now(UTC).replace(microsecond=0), list[str]()
    local.run(timing, lines.append)
    [said] = re.findall(r"as of (\S+)", "\n".join(lines))
    assert began <= datetime.fromisoformat(said) <= datetime.now(UTC)
    local.run(timing, lines.append, as_of="2026-03-01")
    assert "» as of 2026-03-01T00:00:00+00:00" in [line.strip() for line in lines]
