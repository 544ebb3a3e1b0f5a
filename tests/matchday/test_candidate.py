"""Who moves the alias `champion`: runs of pipelines, or the judge of rollouts."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from matchday.models import candidate
from matchday.models.promotion import Promotion
from matchday.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Registry:
    """One champion, or none, with its files or without."""

    champion: Any = None
    whole_files = True
    promoted: list[str]

    def __init__(self, _: str) -> None:
        type(self).promoted = []

    def aliased(self, name: str, alias: str) -> Any:
        return self.champion

    def resolve(self, uri: str) -> Any:
        return SimpleNamespace(version=uri.rpartition("/")[2])

    def whole(self, version: Any) -> bool:
        return self.whole_files

    def promote(self, name: str, version: str) -> None:
        self.promoted.append(version)


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "Registry", Registry)
    monkeypatch.setattr(candidate, "_contender", lambda registry, version: version)
    monkeypatch.setattr(candidate, "decide", lambda holder, *_, **__: Promotion(True, "clearly better"))


@pytest.mark.parametrize(
    ("promotion", "champion", "whole", "promoted"),
    [
        ("run", "1", True, True),
        ("judge", "1", True, False),
        ("judge", None, True, True),
        ("judge", "1", False, True),
    ],
)
def test_where_rollouts_judge_a_run_promotes_a_missing_champion_alone(
    monkeypatch: pytest.MonkeyPatch, promotion: str, champion: str | None, whole: bool, promoted: bool
) -> None:
    monkeypatch.setenv("MATCHDAY_PROMOTION", promotion)
    monkeypatch.setattr(Registry, "champion", champion and SimpleNamespace(version=champion))
    monkeypatch.setattr(Registry, "whole_files", whole)
    decision = candidate.promote(Settings(), "2", NOW)
    assert (decision.promoted, Registry.promoted) == (promoted, ["2"] if promoted else [])
    if not promoted:
        assert decision.reason == "version 2 is the challenger of champion 1: here a rollout judges and promotes"
