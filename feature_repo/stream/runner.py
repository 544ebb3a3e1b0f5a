"""The processor's loop: poll, process, write features, and about each second make it durable and commit.

Whatever does not answer, Kafka or a store, is waited for with growing pauses. Nothing is committed meanwhile,
partitions are paused, and this member stays in its group.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from feature_repo.error import FeatureStoreError
from feature_repo.stream.fact_store import FactStore, Position
from feature_repo.stream.health import Health
from feature_repo.stream.metrics import StreamMetrics
from feature_repo.stream.processor import Processor
from matchday.events import EventsError
from matchday.events.group_consumer import GroupConsumer, PartitionState
from matchday.events.received import Received
from matchday.lake.errors import LakeError
from matchday.storage import StorageError
from matchday.telemetry import logger, span

FAULTS = (FeatureStoreError, StorageError, LakeError, EventsError)


@dataclass(frozen=True)
class Pace:
    """most: records of one poll. poll_ms: longest wait for records. flush_seconds: between two commits.

    behind_seconds: between two makings of features while further records wait, at least; they also take at most half
    of the time then, and commits wait for them. pause_seconds: first and longest wait for what does not answer.
    """

    most: int = 2_000
    poll_ms: int = 250
    flush_seconds: float = 1.0
    behind_seconds: float = 0.5
    pause_seconds: tuple[float, float] = (0.2, 15.0)


class Runner:
    """Runs a processor until it is told to stop."""

    def __init__(
        self,
        processor: Processor,
        store: FactStore,
        open_consumer: Callable[[Callable[[PartitionState], int]], GroupConsumer],
        metrics: StreamMetrics,
        health: Health,
        pace: Pace = Pace(),
    ) -> None:
        """open_consumer: of what says where to begin in a partition."""
        self._processor, self._store = processor, store
        self._metrics, self._health, self._pace = metrics, health, pace
        self._consumer = open_consumer(self.choose)
        self._log = logger("stream")
        self._waiting: list[Received] = []
        self._expected: dict[Position, int] = {}
        self._lost: set[str] = set()
        self._started = False
        self._flush_at = self._write_at = 0.0
        self._commit: dict[Position, int] = {}
        self._noted: dict[Position, int] = {}

    def run(self, stopping: Callable[[], bool]) -> None:
        """Go on until `stopping`; then finish the batch, commit and leave the group."""
        pause, longest = self._pace.pause_seconds
        wait = pause
        while not stopping():
            try:
                self._turn()
                wait = pause
            except FAULTS as error:
                self._say(error)
                self._sit_out(wait, stopping)
                wait = min(wait * 2, longest)
        try:
            self._finish()
        except FAULTS as error:
            self._log.warning("stopped before all was committed; it is processed again", reason=str(error))
        self._consumer.close()

    def choose(self, state: PartitionState) -> int:
        """Where to begin in a partition: behind the records whose facts are kept, whatever Kafka was told.

        When these are gone from the topic, or the facts are, the state is made again from the lake and what is left.
        """
        kept = self._store.offsets().get(state.position)
        if kept is not None and kept > state.end:
            self._note_loss("topic made anew", state)
            self._store.forget_offsets([state.position])
            kept = None
        elif kept is None and state.committed:
            self._note_loss("facts are gone", state)
        elif kept is not None and kept < state.first:
            self._note_loss("records passed retention", state)
        begin = state.first if kept is None else max(kept, state.first)
        self._expected[state.position] = begin
        if kept is not None and begin > (state.committed or 0):
            self._commit[state.position] = begin
        self._noted.pop(state.position, None)
        return begin

    def _turn(self) -> None:
        self._health.turn()
        if not self._started:
            self._processor.start()
            self._started = True
        if not self._waiting:
            self._waiting = self._consumer.poll(self._pace.most, self._pace.poll_ms)
            self._check_gaps(self._waiting)
        if self._lost:
            self._rebuild()
        begun = time.monotonic()
        records = self._waiting
        behind = len(records) >= self._pace.most or self._consumer.lag() >= self._pace.most
        due = not behind or begun >= self._write_at
        if records:
            with span("receive", kind="consumer", records=len(records)):
                self._metrics.count(self._processor.process(records))
                self._waiting = []
                if due:
                    self._write_features()
            self._metrics.time_batch(time.monotonic() - begun)
        elif due:
            self._write_features()
        if due and begun >= self._flush_at:
            self._flush()
        written = records[-1].written if records else None
        self._metrics.show_lag(self._consumer.lag(), written, len(self._consumer.partitions))
        self._health.say("" if self._consumer.joined else "has not joined its group yet")
        self._metrics.show_trouble("" if self._consumer.joined else "kafka")

    def _write_features(self) -> None:
        """Features of what came in; while much waits, of several batches at once."""
        begun = time.monotonic()
        self._metrics.count(self._processor.write_features())
        ended = time.monotonic()
        self._write_at = ended + max(self._pace.behind_seconds, ended - begun)

    def _flush(self) -> None:
        if self._facts_are_gone():
            self._start_over("facts are gone")
            return
        done = self._processor.flush()
        self._noted |= done
        self._commit |= done
        if self._consumer.commit(self._commit):
            self._commit = {}
        self._flush_at = time.monotonic() + self._pace.flush_seconds

    def _finish(self) -> None:
        if self._started and not self._waiting:
            self._flush()

    def _facts_are_gone(self) -> bool:
        """Whether the store has lost what this processor has put there, as one that was restarted empty has."""
        kept = self._store.offsets() if self._noted else {}
        return any(
            kept.get(place, -1) < self._noted[place] for place in self._consumer.partitions if place in self._noted
        )

    def _start_over(self, reason: str) -> None:
        """Read every partition again from where the store's facts end."""
        self._lost.add(reason)
        self._waiting, self._commit, self._noted = [], {}, {}
        self._processor.start_over()
        self._consumer.place_again()

    def _check_gaps(self, records: Sequence[Received]) -> None:
        """Notice records that the topic has lost before they were read, and a topic that begins anew."""
        jumps: dict[Position, int] = {}
        anew: set[Position] = set()
        for record in records:
            expected = self._expected.get(record.position, record.offset)
            if record.offset < expected:
                anew.add(record.position)
            if record.offset > expected:
                jumps[record.position] = expected
            self._expected[record.position] = record.offset + 1
        if anew:
            self._store.forget_offsets(sorted(anew))
            self._noted = {place: after for place, after in self._noted.items() if place not in anew}
            self._lost.add("topic made anew")
        if jumps:
            first = self._consumer.first_offsets(list(jumps))
            self._lost |= {"records passed retention" for place, expected in jumps.items() if first[place] > expected}

    def _rebuild(self) -> None:
        for reason in sorted(self._lost):
            self._log.warning("the state is made again from the lake", reason=reason)
        self._processor.rebuild()
        for reason in self._lost:
            self._metrics.count_rebuild(reason)
        self._lost.clear()

    def _note_loss(self, reason: str, state: PartitionState) -> None:
        self._log.warning(reason, topic=state.position[0], partition=state.position[1], first=state.first)
        self._lost.add(reason)

    def _say(self, error: Exception) -> None:
        part = "kafka" if isinstance(error, EventsError) else "store"
        self._health.say(str(error))
        self._metrics.show_trouble(part)
        self._log.warning("waiting", part=part, reason=str(error))

    def _sit_out(self, seconds: float, stopping: Callable[[], bool]) -> None:
        """Wait, and stay in the group meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not stopping():
            self._health.turn()
            try:
                self._consumer.pause()
                self._waiting += self._consumer.poll(self._pace.most, 50)
            except FAULTS:
                time.sleep(min(0.1, max(0.0, until - time.monotonic())))
        try:
            self._consumer.resume()
        except FAULTS as error:
            self._health.say(str(error))
