"""Load replay with real servers: the pace, the slice of a round, errors, warm-up, and that nobody's counts change."""

from pathlib import Path

import httpx
import pytest

from rollout.observations.load_replay import SLICE_SECONDS, LoadReplay
from rollout.observations.pairings import Pairings
from rollout.sources import SourceError
from tests.rollout.observations.test_replay import (  # noqa: F401
    CLOSED,
    MODEL,
    Down,
    Start,
    asked,
    canary,
    endpoints,
    log,
    replay,
    row,
    stable,
    start,
)
from tests.serving.conftest import TEAMS


class Pace:
    """A clock that moves by what is waited for."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.time += seconds
        self.waits.append(seconds)

    def now(self) -> float:
        return self.time


def load(pace: Pace | None = None, *sources: object) -> LoadReplay:
    pace = pace or Pace()
    return LoadReplay(replay(*(sources or (Pairings(TEAMS),))), wait=pace.wait, now=pace.now)


def test_both_versions_get_the_same_requests_at_the_stated_rate_and_no_more(stable: str, canary: str) -> None:  # noqa: F811
    pace = Pace()
    found = load(pace).replay(MODEL, endpoints(stable, canary), 0, 1000, 20.0, 0)
    assert found.stable.requests == found.canary.requests == round(20 * SLICE_SECONDS)
    assert pace.waits[1:] == pytest.approx([0.05] * (len(pace.waits) - 1))
    assert not found.stable.failed and not found.canary.failed
    few = load().replay(MODEL, endpoints(stable, canary), 990, 10, 20.0, 0)
    assert few.canary.requests == 10


def test_durations_of_the_first_requests_do_not_count(stable: str, canary: str) -> None:  # noqa: F811
    for done, counted in ((0, 4), (10, 14), (100, 20)):
        found = load().replay(MODEL, endpoints(stable, canary), done, 20, 20.0, 16)
        assert found.canary.latency is not None
        assert (found.canary.requests, found.canary.latency.total) == (20, counted)


def test_requests_of_a_replay_are_counted_apart_from_those_of_users(stable: str, canary: str) -> None:  # noqa: F811
    before = asked(stable, "12"), asked(canary, "13")
    load().replay(MODEL, endpoints(stable, canary), 0, 10, 20.0, 0)
    replay(Pairings(TEAMS)).pairs(MODEL, endpoints(stable, canary), 10)
    assert (asked(stable, "12"), asked(canary, "13")) == before
    page = httpx.get(f"{canary}/metrics").text
    assert 'matchday_serving_requests_total{model="match-outcome",variant="replay",version="13"}' in _sorted(page)


def _sorted(page: str) -> str:
    """The page with the labels of each series in order."""
    lines = []
    for line in page.splitlines():
        name, brace, rest = line.partition("{")
        labels, _, value = rest.rpartition("}")
        lines.append(f"{name}{{{','.join(sorted(labels.split(',')))}}}{value}" if brace else line)
    return "\n".join(lines)


def test_a_server_that_breaks_is_an_error_of_its_version(stable: str, canary: str) -> None:  # noqa: F811
    source = load(None, Pairings(TEAMS))
    source.replay(MODEL, endpoints(stable, canary), 0, 1, 20.0, 0)
    clients, _ = source._known[1]  # type: ignore[index]
    clients[1][0]._urls = (CLOSED,)
    found = source.replay(MODEL, endpoints(stable, canary), 0, 5, 20.0, 0)
    assert (found.stable.failed, found.canary.failed) == (0, 5)
    assert set(found.canary.errors) == {"ConnectError"}


def test_without_rows_or_servers_the_source_says_why(stable: str, canary: str, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(SourceError, match="there are no rows"):
        load(None, Down()).replay(MODEL, endpoints(stable, canary), 0, 5, 20.0, 0)
    with pytest.raises(SourceError, match="cannot be reached"):
        load().replay(MODEL, endpoints(stable, CLOSED), 0, 5, 20.0, 0)
