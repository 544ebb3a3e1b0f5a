"""The processor's graceful end, dead letters that go back, topics, and the trace from a producer to the features."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from feature_repo.stream.redrive import redrive
from feature_repo.stream.screening import MOST_BYTES
from matchday import telemetry
from matchday.events import DEAD_LETTERS, PLAYER_STATS, RESULTS
from matchday.events.topic_creation import create_topics
from matchday.events.validation import complaint
from matchday.lake import Lake
from matchday.tables import Teams
from tests import league
from tests.feature_repo.stream import small
from tests.feature_repo.stream.small import PAST, SEASON
from tests.services.stage import ALL, PARTITIONS, Servers, Stage, servers, set_stage, spans
from tests.waiting import eventually

pytestmark = [pytest.mark.services, pytest.mark.slow]

COUNT = 10


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("servers")) as found:
        yield found


@pytest.fixture
def stage(shared: Servers, tmp_path: Path) -> Iterator[Stage]:
    with set_stage(shared, tmp_path) as made:
        yield made


def test_sigterm_commits_and_leaves_the_group_at_once(stage: Stage) -> None:
    """The next processor has the partitions long before the session of the first one would have ended."""
    patient = {"MATCHDAY_STREAM_SESSION_SECONDS": "290", "MATCHDAY_STREAM_FLUSH_SECONDS": "60"}
    processor = stage.start(**patient)
    processor.await_metric("partitions", lambda count: count == 2 * PARTITIONS)
    count = stage.send(list(small.events(SEASON, COUNT)))
    processor.await_metric("records_total", lambda records: records == count)
    processor.stop()
    assert stage.committed() == stage.ends() == stage.store.offsets()
    stage.check(small.batch_of(COUNT))
    following = stage.start(**patient)
    following.await_metric("partitions", lambda partitions: partitions == 2 * PARTITIONS)
    eventually(lambda: following.is_ready)
    assert following.metric("records_total") == 0


def test_poison_goes_aside_and_back_after_the_lake_was_mended(stage: Stage) -> None:
    teams = league.some(Teams, [PAST, SEASON])
    Lake(stage.place.lake).write(Teams, teams[teams["season"] == PAST])
    processor = stage.start()
    said = list(small.events(SEASON, COUNT))
    _, result = small.result_of(said, said[0][1].data["match"])
    stage.send_raw(RESULTS, result.key.encode(), b"{", result)
    stage.send_raw(RESULTS, result.key.encode(), b" " * (MOST_BYTES + 1), result)
    stage.send_raw(PLAYER_STATS, b"", b"{}", result)
    stage.await_handled(3 + stage.send(said))
    letters = stage.letters()
    reasons = [letter.data["reason"] for letter in letters]
    assert sorted(set(reasons)) == ["no-event", "no-key", "size", "unknown-season"]
    assert reasons.count("unknown-season") == len(said)
    assert processor.metric('dead_letters_total{reason="unknown-season"}') == len(said)
    assert processor.is_ready
    origins = {tuple(letter.data["origin"].values()) for letter in letters}
    assert len(origins) == len(letters) == len(said) + 3
    for letter in letters:
        assert complaint(DEAD_LETTERS, letter.data) == ""
    Lake(stage.place.lake).write(Teams, teams)
    done = redrive(stage.cluster, f"{stage.group}-redrive")
    assert (done.sent.total(), dict(done.left)) == (len(said) + 2, {"too large to be kept": 1})
    stage.await_handled(2 * len(said) + 5)
    stage.check(small.batch_of(COUNT))
    again = redrive(stage.cluster, f"{stage.group}-redrive")
    assert again.sent.total() == 2  # what is still poison came back


def test_topics_that_are_there_stay_as_they_are(stage: Stage) -> None:
    assert create_topics(stage.cluster, ALL, PARTITIONS + 3, 1) == []
    with stage.admin() as admin:
        described = admin.describe_topics([topic.name for topic in ALL])
    assert {len(one["partitions"]) for one in described} == {PARTITIONS}


def test_one_trace_leads_from_the_producer_to_the_features(
    stage: Stage, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process span is linked to the producer's, and its trace holds the writing of features."""
    monkeypatch.setenv("MATCHDAY_HOME", str(home))
    telemetry.start("producer")
    with telemetry.span("send", kind="producer"):
        parent = telemetry.traceparent()
    telemetry.shutdown()
    assert parent is not None
    processor = stage.start(OTEL_SDK_DISABLED="false")
    said = [(topic, event._replace(traceparent=parent)) for topic, event in small.events(SEASON, 1)]
    stage.await_handled(stage.send(said))
    processor.stop()
    written = spans(tmp_path / "home")
    sent = parent.split("-")[1]
    linked = [one for one in written if any(link["traceId"] == sent for link in one.get("links", []))]
    assert {one["name"] for one in linked} == {"process"}
    traces = {one["traceId"] for one in linked}
    assert any(one["name"] == "receive" and one["traceId"] in traces for one in written)
    assert any(one["name"] == "write features" and one["traceId"] in traces for one in written)
