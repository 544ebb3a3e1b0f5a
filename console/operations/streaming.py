"""The stream: processor, producers, topics, dead letters, and whether streamed features are those of the batch path."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from feature_repo.stream.comparison import OnlineRows, StreamComparison, batch_rows, columns_of, compare
from feature_repo.stream.fact_place import open_fact_store
from feature_repo.stream.health import Health, serve_health
from feature_repo.stream.metrics import StreamMetrics
from feature_repo.stream.opening import Feed, letters_path, open_past, open_runner
from feature_repo.stream.redrive import Redriven
from feature_repo.stream.settings import StreamSettings
from matchday import telemetry
from matchday.events import PLAYER_STATS, RESULTS, TOPICS, CloudEvent, EventsAddress, Topic
from matchday.events.cluster import KafkaCluster
from matchday.events.validation import complaint
from matchday.settings import Settings

Events = Sequence[tuple[Topic, CloudEvent]]
Send = Callable[[Events], None]


@dataclass(frozen=True)
class Sent:
    """What a producer has sent. events: so far, by topic. moment: event time of the last one."""

    events: dict[str, int]
    moment: str


def process(port: int, stopping: Callable[[], bool], started: Callable[[int], None]) -> None:
    """Run the processor until `stopping`. started: told the port of probes and metrics. Raises MatchdayError."""
    telemetry.start("stream")
    settings, stream = Settings(), StreamSettings.load()
    metrics, health = StreamMetrics(), Health()
    runner = open_runner(settings, stream, metrics, health)
    with serve_health(health, metrics.registry, stream.host, port) as opened:
        started(opened)
        runner.run(stopping)


def create_topics(partitions: int, replicas: int) -> list[str]:
    """Create the topics that are not there. Returns the new ones. Raises EventsError."""
    from matchday.events.topic_creation import create_topics as create

    return create(_cluster(), TOPICS, partitions, replicas)


def replay(season: str, gameweek: int | None, speed: float, on_sent: Callable[[Sent], None]) -> Sent:
    """Play a season of the lake again. Raises ReplayError, EventsError, FeatureStoreError."""
    from matchday.stream.replay import paced, season_events

    telemetry.start("replay")
    settings, counts = Settings(), {RESULTS.name: 0, PLAYER_STATS.name: 0}
    sent = Sent(counts, "")
    with _sender(settings) as send:
        for batch in paced(season_events(settings.lake, season, gameweek), speed):
            send(batch)
            for topic, _ in batch:
                counts[topic.name] += 1
            sent = Sent(counts, batch[-1][1].time)
            on_sent(sent)
    return sent


def live(every_seconds: float, once: bool, stopping: Callable[[float], bool], on_sent: Callable[[Sent], None]) -> None:
    """Poll the fantasy game and send what has changed. stopping: waits so many seconds, or until it is told to stop.

    A poll that fails is told by a log, and tried again. Raises it with `once`.
    """
    from matchday.collected.configured import SourceSettings
    from matchday.sources.live import FPL
    from matchday.sources.raw import RawAnswers
    from matchday.sources.upstream import SourceError
    from matchday.storage import Storage
    from matchday.stream.emitted import Emitted
    from matchday.stream.live import poll

    telemetry.start("live")
    settings, log = Settings(), telemetry.logger("stream")
    emitted = Emitted(settings.home.resolve() / "stream" / "emitted.json")
    answers, counts = RawAnswers(Storage(settings.collected)), {RESULTS.name: 0, PLAYER_STATS.name: 0}
    with _sender(settings) as send:
        while True:
            moment = datetime.now(UTC)
            try:
                upstream = SourceSettings().upstreams(answers, lambda: datetime.now(UTC))[FPL.name]
                events = poll(upstream, emitted, moment)
            except SourceError as error:
                if once:
                    raise
                log.warning("the source gave nothing; it is asked again", reason=str(error))
                events = []
            send(events)
            emitted.keep()
            for topic, _ in events:
                counts[topic.name] += 1
            on_sent(Sent(counts, moment.isoformat(timespec="seconds")))
            if once or stopping(every_seconds):
                return


def redrive() -> Redriven:
    """Send dead letters back to their topics; without Kafka, to the processor. Raises EventsError."""
    from feature_repo.stream import redrive as letters

    if StreamSettings.load().events:
        return letters.redrive(_cluster())
    settings = Settings()
    return letters.redrive_file(letters_path(settings), Feed(settings).send)


def verify(
    season: str | None = None, settings: Settings | None = None, as_of: datetime | None = None
) -> StreamComparison:
    """Compare online and appended features with the batch path's.

    season: the newest one by default. settings: by default those of this process. as_of: of the lake's past, as of
    `open_past`. Raises LakeError, FeatureStoreError, StoreError.
    """
    settings = settings or Settings()
    store = open_fact_store(settings.online_address)
    found, expected = batch_rows(open_past(settings, as_of), store, season or "")
    online = asyncio.run(_read_online(settings, expected))
    return compare(found, expected, online, settings.lake)


async def _read_online(settings: Settings, expected: Mapping[str, pd.DataFrame]) -> OnlineRows:
    """The online rows of all teams, as the model server reads them."""
    from serving.features import open_store

    store = open_store(settings.online_store)
    try:
        teams = sorted({str(team) for rows in expected.values() for team in rows["team"]})
        rows = await store.read("team", teams, {view: columns_of(view) for view in expected})
    finally:
        store.close()
    return {(view, str(team)): {**row.values, "event_time": row.newest} for (view, team), row in rows.items()}  # noqa: PD011


@contextmanager
def _sender(settings: Settings) -> Iterator[Send]:
    """What takes events: Kafka's topics, or the processor itself."""
    if not StreamSettings.load().events:
        feed = Feed(settings)
        yield lambda events: None if not events else _feed(feed, events)
        return
    from matchday.events.topic_producer import TopicProducer

    cluster, log = _cluster(), telemetry.logger("stream")
    producers = {
        topic: TopicProducer(cluster, topic, lambda reason: log.warning("Kafka is waited for", reason=reason))
        for topic in (PLAYER_STATS, RESULTS)
    }

    def send(events: Events) -> None:
        with telemetry.span("send", kind="producer", events=len(events)):
            parent, valid = telemetry.traceparent(), [*valid_events(events)]
            for topic, producer in producers.items():
                chosen = [event._replace(traceparent=parent) for of, event in valid if of is topic]
                producer.send(chosen)

    try:
        yield send
    finally:
        for producer in producers.values():
            with suppress(Exception):
                producer.close()


def valid_events(events: Events) -> Iterator[tuple[Topic, CloudEvent]]:
    """The events whose data their topic's schema allows; the others are told by a log."""
    for topic, event in events:
        if fault := complaint(topic, event.data):
            telemetry.logger("stream").warning("an event breaks its schema and is not sent", id=event.id, fault=fault)
        else:
            yield topic, event


def _feed(feed: Feed, events: Events) -> None:
    feed.send(events)


def _cluster() -> KafkaCluster:
    from matchday.events.settings import cluster_at

    return cluster_at(EventsAddress.parse(StreamSettings.load().events or "kafka://"))
