"""Counters of a server that KServe's Python SDK runs: their names on `/metrics`, and their sum as a cohort.

The SDK observes a histogram for each part of a request, `preprocess`, `predict`, `postprocess`, also where it raises.
So a request whose `predict` ended and whose `postprocess` never began has failed. A request that fails in `preprocess`,
or never reaches the model, is in no such difference: one in `predict` now looks the same.
"""

from collections.abc import Iterable

from rollout.judge import Cohort, Histogram
from rollout.observations.counters import CounterSample, cumulative_histogram, to_count

PREDICT, ANSWERED = "request_predict_seconds_bucket", "request_postprocess_seconds_count"
KSERVE_NAMES = (PREDICT, ANSWERED)
"""All that a rollout reads. The label `model_name` says of which model; a server has one version of it."""
FAILED = "predict"
"""Kind of the errors."""


class KServeCounters:
    """Cohorts of servers, which it remembers by name to find those whose errors cannot be told."""

    def __init__(self) -> None:
        self._last: dict[str, Cohort] = {}
        self._unclear: set[str] = set()

    def cohort(self, server: str, samples: Iterable[CounterSample]) -> Cohort:
        """Counts of one model on one server: durations of `predict`, and what failed in it.

        Raises ValueError for an invalid count, and where `postprocess` runs while others are predicted: such requests
        look like failed ones until they are answered.
        """
        read = list(samples)
        latency = cumulative_histogram(PREDICT, (each for each in read if each.name == PREDICT))
        predicted = latency.total if latency else 0
        answered = sum(to_count(each.name, each.value) for each in read if each.name == ANSWERED)
        found = _to_cohort(predicted, predicted - answered, latency)
        before = self._last.get(server, Cohort())
        self._last[server] = found
        if answered > predicted or (found.requests >= before.requests and found.failed < before.failed):
            self._unclear.add(server)
        if server in self._unclear:
            raise ValueError("its postprocess runs while others are answered, so that errors cannot be told from it")
        return found


def _to_cohort(predicted: int, failed: int, latency: Histogram | None) -> Cohort:
    return Cohort(predicted, {FAILED: max(0, failed)}, latency)
