"""The processor on a real Kafka and a real Redis that go away, forget and come back: nothing is lost, all is said."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from kafka import TopicPartition

from matchday.lake import Lake
from matchday.tables import Appearances, Matches
from tests.feature_repo.stream import small
from tests.feature_repo.stream.small import BEFORE, PAST, SEASON
from tests.services.stage import PARTITIONS, Servers, Stage, servers, set_stage
from tests.waiting import eventually

pytestmark = [pytest.mark.services, pytest.mark.slow]

COUNT, HALF = 20, 10


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("servers")) as found:
        yield found


@pytest.fixture
def stage(shared: Servers, tmp_path: Path) -> Iterator[Stage]:
    with set_stage(shared, tmp_path) as made:
        yield made


def said(first: int = 0, last: int = COUNT) -> list[small.Said]:
    """The events of some matches of the season."""
    wanted = set(small.matches(SEASON, COUNT)["match_id"][first:last])
    return [one for one in small.events(SEASON, COUNT) if one[1].data["match"] in wanted]


def expected(count: int = COUNT) -> dict[str, pd.DataFrame]:
    return small.batch_of(count)


def test_kafka_is_away_at_the_start_and_in_the_middle(stage: Stage) -> None:
    stage.broker.kill()
    processor = stage.start()
    eventually(lambda: "does not answer" in processor.trouble)
    assert processor.ask("/live")[0] == 200
    assert processor.metric("working") == 0
    assert processor.metric('failures_total{part="kafka"}') >= 1
    stage.broker.start()
    half = stage.send(said(last=HALF))
    stage.await_handled(half)
    eventually(lambda: processor.is_ready)
    assert processor.metric("working") == 1
    stage.broker.kill()
    eventually(lambda: "does not answer" in processor.trouble or "waits" in processor.trouble)
    assert processor.ask("/live")[0] == 200
    stage.broker.start()
    stage.await_handled(half + stage.send(said(HALF)))
    eventually(lambda: processor.is_ready)
    stage.check(expected())
    assert processor.metric('rebuilds_total{reason="facts are gone"}') == 0


def test_redis_is_away_in_the_middle(stage: Stage) -> None:
    """Nothing is committed meanwhile, and nothing of what came is lost."""
    processor = stage.start()
    half = stage.send(said(last=HALF))
    stage.await_handled(half)
    eventually(lambda: stage.committed() == stage.ends())
    stage.redis.save()
    before = stage.committed()
    stage.redis.kill()
    all_of_it = half + stage.send(said(HALF))
    eventually(lambda: "online store" in processor.trouble)
    processor.await_metric('failures_total{part="store"}', lambda count: count >= 3)
    assert (processor.ask("/live")[0], processor.metric("working")) == (200, 0)
    assert stage.committed() == before
    stage.redis.start()
    stage.await_handled(all_of_it)
    eventually(lambda: processor.is_ready)
    stage.check(expected())
    eventually(lambda: stage.committed() == stage.ends())
    assert processor.metric('rebuilds_total{reason="facts are gone"}') == 0


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
def test_a_redis_that_was_emptied_is_filled_again_from_topic_and_lake(stage: Stage, running: bool) -> None:
    processor = stage.start()
    half = stage.send(said(last=HALF))
    stage.await_handled(half)
    eventually(lambda: stage.committed() == stage.ends())
    if running:
        stage.redis.client().flushall()
        stage.await_handled(half)
    else:
        processor.stop()
        stage.redis.client().flushall()
        processor = stage.start()
    stage.await_handled(half + stage.send(said(HALF)))
    processor.await_metric('rebuilds_total{reason="facts are gone"}', lambda count: count >= 1)
    first = small.matches(SEASON, 1)["match_id"][0]
    corrected = small.correct(small.result_of(said(), first), 2, home_goals=5)
    stage.await_handled(half + len(said(HALF)) + stage.send([corrected]))
    played = pd.concat([small.matches(PAST, BEFORE), small.matches(SEASON, COUNT)], ignore_index=True)
    played.loc[played["match_id"] == first, "home_goals"] = 5
    seen = pd.concat([small.appearances(PAST, BEFORE), small.appearances(SEASON, COUNT)])
    stage.check(small.batch(played, seen))


def test_two_processors_share_the_work_and_one_is_killed(stage: Stage) -> None:
    one, other = stage.start(), stage.start()
    eventually(lambda: one.metric("partitions") == other.metric("partitions") == PARTITIONS)
    half = stage.send(said(last=HALF))
    stage.await_handled(half)
    assert one.metric("records_total") > 0 and other.metric("records_total") > 0
    assert one.metric("records_total") + other.metric("records_total") == half
    more = stage.send(said(HALF))
    one.kill()
    stage.await_handled(half + more)
    other.await_metric("partitions", lambda count: count == 2 * PARTITIONS)
    stage.check(expected())
    assert other.is_ready and not stage.letters()


def test_records_that_passed_retention_come_from_the_lake(stage: Stage) -> None:
    processor = stage.start()
    half = stage.send(said(last=HALF))
    stage.await_handled(half)
    processor.stop()
    stage.send(said(HALF))
    ends = stage.ends()
    with stage.admin() as admin:
        admin.delete_records({TopicPartition(*place): end for place, end in ends.items()})
    lake = Lake(stage.place.lake)
    lake.write(Matches, pd.concat([small.matches(PAST, BEFORE), small.matches(SEASON, COUNT)]))
    lake.write(Appearances, pd.concat([small.appearances(PAST, BEFORE), small.appearances(SEASON, COUNT)]))
    processor = stage.start()
    processor.await_metric('rebuilds_total{reason="records passed retention"}', lambda count: count >= 1)
    eventually(lambda: processor.is_ready)
    stage.send([small.correct(said()[0], 1)])
    eventually(lambda: stage.committed().items() >= stage.ends().items() - ends.items())
    stage.check(expected())


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
def test_topics_that_were_made_anew_are_read_from_their_beginning(stage: Stage, running: bool) -> None:
    processor = stage.start()
    stage.await_handled(stage.send(said(last=HALF)))
    if not running:
        processor.stop()
    stage.make_topics()
    if not running:
        processor = stage.start()
    stage.send(said(HALF, HALF + 4))
    processor.await_metric('rebuilds_total{reason="topic made anew"}', lambda count: count >= 1)
    stage.send(said(HALF + 4))
    eventually(lambda: stage.store.offsets().items() >= stage.ends().items())
    stage.check(expected())
