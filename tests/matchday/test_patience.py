"""Waiting: for what is late, not for what is wrong, and not for ever."""

import time

import pytest

from matchday.errors import MatchdayError
from matchday.patience import NotYet, wait_for


def test_what_is_late_is_asked_again() -> None:
    left = iter([NotYet("starting"), NotYet("starting"), "there"])

    def ask() -> str:
        if isinstance(now := next(left), Exception):
            raise now
        return str(now)

    assert wait_for(ask, seconds=5, every=0.01) == "there"


def test_the_last_reason_is_told_when_time_is_up() -> None:
    reasons = iter(f"reason {number}" for number in range(1000))

    def ask() -> None:
        raise NotYet(next(reasons))

    began = time.monotonic()
    with pytest.raises(MatchdayError, match=r"^reason [1-9]\d* \(waited 0\.2 s\)$"):
        wait_for(ask, seconds=0.2, every=0.05)
    assert time.monotonic() - began < 20


def test_no_time_is_one_question() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise NotYet("no")

    with pytest.raises(MatchdayError):
        wait_for(ask, seconds=0)
    assert len(asked) == 1


def test_what_is_wrong_is_not_waited_for() -> None:
    def ask() -> None:
        raise MatchdayError("refused")

    began = time.monotonic()
    with pytest.raises(MatchdayError, match=r"^refused$"):
        wait_for(ask, seconds=30)
    assert time.monotonic() - began < 15
