"""Opens a processor for this machine's settings, fed from Kafka or in process."""

import os
import socket
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from feature_repo.stream.dead_letters import DeadLetterBox
from feature_repo.stream.fact_place import open_fact_store
from feature_repo.stream.fact_store import FactStore
from feature_repo.stream.health import Health
from feature_repo.stream.metrics import StreamMetrics
from feature_repo.stream.outcome import Outcome
from feature_repo.stream.past import Past
from feature_repo.stream.processor import Processor
from feature_repo.stream.runner import Pace, Runner
from feature_repo.stream.settings import StreamSettings
from feature_repo.streamed import StreamedRows
from feature_repo.writers import open_writer
from matchday.calendar import parse
from matchday.events import DEAD_LETTERS, STREAMED, CloudEvent, EventsAddress, EventsError, Topic
from matchday.events.file_producer import FileProducer
from matchday.events.received import Received
from matchday.settings import Settings

IN_PROCESS = -1
"""Partition of events that came through no topic."""


def open_runner(settings: Settings, stream: StreamSettings, metrics: StreamMetrics, health: Health) -> Runner:
    """The processor of the settings' topics. Raises EventsError for an address or settings of Kafka that are wrong."""
    from matchday.events.group_consumer import GroupConsumer
    from matchday.events.settings import cluster_at
    from matchday.events.topic_producer import TopicProducer

    address = EventsAddress.parse(stream.events or "kafka://")
    if address.kind != "kafka":
        raise EventsError(f"the processor reads Kafka, not {address}: set MATCHDAY_STREAM_EVENTS to kafka://HOST:PORT")
    cluster = cluster_at(address)
    letters = TopicProducer(cluster, DEAD_LETTERS, _give_up)
    store = open_fact_store(settings.online_address)
    processor = open_processor(settings, store, letters)
    pace = Pace(stream.most, flush_seconds=stream.flush_seconds, pause_seconds=(0.2, stream.retry_seconds))
    name = f"{socket.gethostname()}-{os.getpid()}"
    return Runner(
        processor,
        store,
        lambda choose: GroupConsumer(
            cluster, stream.group, STREAMED, choose, client_id=f"matchday-{name}", **session(stream.session_seconds)
        ),
        metrics,
        health,
        pace,
    )


def _give_up(reason: str) -> None:
    """Leave the waiting for Kafka to the processor's loop, which says so and can be stopped."""
    raise EventsError(f"dead letters wait: {reason}")


def session(seconds: float) -> dict[str, int]:
    """Options of a group's member that is given up after so many seconds of silence."""
    return {"session_timeout_ms": round(seconds * 1000), "heartbeat_interval_ms": round(seconds * 200)}


def open_processor(
    settings: Settings, store: FactStore, letters: DeadLetterBox, as_of: datetime | None = None
) -> Processor:
    """A processor over the settings' lake and online store. as_of, and what is raised, as of `open_past`."""
    writer = open_writer(settings.online_address)
    return Processor(store, open_past(settings, as_of), writer, StreamedRows(settings.lake), letters)


def open_past(settings: Settings, as_of: datetime | None = None) -> Past:
    """The lake's past as of a moment; None means the date of the settings of the stream, if there is one.

    Raises CalendarError for a date of the settings that is none.
    """
    date = StreamSettings.load().as_of
    return Past(settings.lake, as_of or (parse(date) if date else None), settings.collected)


class Feed:
    """The processor without Kafka: events are processed as they are given, features are written before it returns."""

    def __init__(self, settings: Settings, as_of: datetime | None = None) -> None:
        """as_of, and what is raised, as of `open_past`."""
        store, letters = open_fact_store(settings.online_address), FileLetters(letters_path(settings))
        self._processor = open_processor(settings, store, letters, as_of)
        self._count = time.time_ns()

    def start(self, season: str) -> None:
        """Write what the lake says of a season, before its first event. Raises as `send` does."""
        self._processor.start(season)
        self._processor.flush()

    def send(self, events: Iterable[tuple[Topic, CloudEvent]]) -> Outcome:
        """Process events. Raises FeatureStoreError, StorageError, LakeError or EventsError; sending again is safe."""
        records = [self._record(topic, event) for topic, event in events]
        outcome = self._processor.process(records)
        outcome.rows = self._processor.write_features().rows
        self._processor.flush()
        return outcome

    def _record(self, topic: Topic, event: CloudEvent) -> Received:
        record = event.record()
        self._count += 1
        written = datetime.now(UTC).timestamp()
        return Received(topic.name, IN_PROCESS, self._count, record.key, record.named_headers(), record.value, written)


class FileLetters:
    """Where dead letters go without Kafka: a file. See `DeadLetterBox`."""

    def __init__(self, path: Path) -> None:
        self._file = FileProducer(path)

    def send(self, events: Sequence[CloudEvent]) -> None:
        """Append the letters. Raises EventsError when the disk refuses."""
        try:
            self._file.path.parent.mkdir(parents=True, exist_ok=True)
            self._file.send(events)
        except OSError as error:
            raise EventsError(f"dead letters cannot be written to {self._file.path}: {error}") from None


def letters_path(settings: Settings) -> Path:
    """The file of dead letters without Kafka."""
    return settings.home.resolve() / "stream" / "dead-letters.jsonl"
