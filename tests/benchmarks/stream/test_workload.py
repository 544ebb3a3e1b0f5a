"""What is streamed in benchmarks says, in the end, what the tables say."""

import random
from collections import Counter
from datetime import datetime

import pytest

from benchmarks.stream.workload import Said, all_seasons, disturbed_events, final_events, live_events
from feature_repo.stream.facts import Fact, highest, make_fact
from matchday.events import PLAYER_STATS
from matchday.events.validation import is_valid

SEASON = "2526"


def facts(said: list[Said]) -> dict[tuple[str, str], bytes]:
    """What counts of each subject."""
    made: list[Fact] = [make_fact(event.data, datetime.fromisoformat(event.time).timestamp()) for _, event in said]
    return {(fact.match, fact.subject): fact.content for fact in highest(made)}


@pytest.fixture(scope="module")
def final() -> list[Said]:
    return final_events(SEASON)


def test_all_events_are_valid(final: list[Said]) -> None:
    assert all(is_valid(topic, event.data) for topic, event in final)
    assert [event.time for _, event in final] == sorted(event.time for _, event in final)


def test_a_disturbed_season_comes_to_the_same_facts(final: list[Said]) -> None:
    said = disturbed_events(SEASON, random.Random(3))
    assert facts(said) == facts(final)
    assert len(said) > 1.1 * len(final)
    assert max(Counter(event.id for _, event in said).values()) == 2
    assert [event.id for _, event in said] != [event.id for _, event in final]


def test_a_live_season_comes_to_the_same_statistics(final: list[Said]) -> None:
    said = list(live_events(SEASON, random.Random(3)))
    ends = {key: value for key, value in facts(said).items() if key[1] != "result"}
    assert ends == {key: value for key, value in facts(final).items() if key[1] != "result"}
    assert sum(topic is PLAYER_STATS for topic, _ in said) > 2 * len(ends)


def test_seasons_are_in_order() -> None:
    assert all_seasons()[-1] == SEASON
