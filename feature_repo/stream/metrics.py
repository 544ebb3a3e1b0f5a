"""Prometheus metrics of the processor."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from feature_repo.stream.outcome import Outcome

PREFIX = "matchday_stream_"


class StreamMetrics:
    """Metrics of one processor, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._records = self._counter("records_total", "Records received.")
        self._known = self._counter("known_total", "Records that said nothing new: doubles, and older revisions.")
        self._late = self._counter("late_total", "Events of days before the newest one.")
        self._poison = self._counter("dead_letters_total", "Records that could not be processed.", "reason")
        self._rows = self._counter("rows_total", "Feature rows written to the online store.", "view")
        self._rebuilds = self._counter("rebuilds_total", "State made again from the lake.", "reason")
        self._failures = self._counter("failures_total", "Turns that failed and are tried again.", "part")
        self._newest = self._gauge("feature_event_time_seconds", "Event time of the newest row, Unix seconds.", "view")
        self._lag_records = self._gauge("lag_records", "Records that wait in this processor's partitions.")
        self._lag_seconds = self._gauge("lag_seconds", "Age of the record processed last, while others wait.")
        self._partitions = self._gauge("partitions", "Partitions that this processor has.")
        self._working = self._gauge("working", "1 while Kafka and the stores answer, else 0.")
        self._seconds = Histogram(
            PREFIX + "batch_seconds",
            "From the receipt of records to their features.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )

    def count(self, outcome: Outcome) -> None:
        """Count what became of a batch."""
        self._records.inc(outcome.received)
        self._known.inc(outcome.known)
        self._late.inc(outcome.late)
        for reason, number in outcome.poison.items():
            self._poison.labels(reason).inc(number)
        for view, number in outcome.rows.items():
            self._rows.labels(view).inc(number)
        for view, moment in outcome.newest.items():
            self._newest.labels(view).set(moment)

    def time_batch(self, seconds: float) -> None:
        """Note how long a batch took."""
        self._seconds.observe(seconds)

    def show_lag(self, records: int, written: float | None, partitions: int) -> None:
        """written: Unix seconds at which the record processed last was written to Kafka."""
        self._lag_records.set(records)
        self._lag_seconds.set(max(0.0, time.time() - written) if records and written is not None else 0.0)
        self._partitions.set(partitions)

    def count_rebuild(self, reason: str) -> None:
        """Count that the state was made again."""
        self._rebuilds.labels(reason).inc()

    def show_trouble(self, part: str) -> None:
        """Note what does not answer: kafka or store; empty when all do."""
        self._working.set(0 if part else 1)
        if part:
            self._failures.labels(part).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(PREFIX + name, text, labels, registry=self.registry)
