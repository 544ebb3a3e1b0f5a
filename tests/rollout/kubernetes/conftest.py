"""A quick judge for rollouts in the simulated cluster; the real one has tests of its own."""

import pytest

from rollout import window
from tests.rollout.fakes import count_errors


@pytest.fixture(autouse=True)
def _quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "judge", count_errors)
