"""The page that Prometheus reads: the sums of what all workers counted."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from serving.call import STAGES
from serving.cells import Labels, Page
from serving.metrics import AGES, DROPPED, KINDS, PLACE, ROWS, SECONDS, STAGE_PLACES, Metrics

LABELS = ("model", "version", "variant")

ABOUT = (
    ("requests", "Requests for a forecast or an explanation, whatever came of them."),
    ("missing_features", "Features that were missing, one per gap."),
    ("incomplete", "Answers that lacked at least one feature."),
    ("degraded", "Answers from the last known features, while the store could not be read."),
)


def render(metrics: Metrics, accept: str) -> tuple[bytes, str]:
    """The page and its content type: OpenMetrics, with exemplars, for who accepts it."""
    encode, kind = choose_encoder(accept)
    return encode(Everything(metrics)), kind


class Everything(Collector):
    """What all workers counted."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """The sums over the workers."""
        return list(_families({labels: Sum(pages) for labels, pages in self._metrics.read().items()}))


class Sum:
    """The numbers of one set of labels, over all workers."""

    def __init__(self, pages: list[Page]) -> None:
        self._pages = pages

    def count(self, place: int) -> float:
        """The sum of one cell."""
        return sum(page.numbers[place] for page in self._pages)

    def histogram(self, place: int, bounds: tuple[float, ...], exemplars: int | None = None) -> tuple[list[Any], float]:
        """Cumulative buckets as Prometheus wants them, and the sum of the values."""
        buckets, so_far = [], 0.0
        for bucket, bound in enumerate((*bounds, float("inf"))):
            so_far += self.count(place + bucket)
            exemplar = None if exemplars is None else self._exemplar(exemplars + 4 * bucket)
            buckets.append((_bound(bound), so_far, exemplar))
        return buckets, self.count(place + len(bounds) + 1)

    def _exemplar(self, at: int) -> Exemplar | None:
        """The newest of all workers."""
        page = max(self._pages, key=lambda each: each.numbers[at + 3])
        if not page.numbers[at + 3]:
            return None
        trace_id = f"{page.words[at + 1]:016x}{page.words[at + 2]:016x}"
        return Exemplar({"trace_id": trace_id}, page.numbers[at], page.numbers[at + 3])


def _families(sums: dict[Labels, Sum]) -> Iterator[Metric]:
    dropped = CounterMetricFamily(
        "matchday_serving_log_dropped", "Predictions that the prediction log lost.", labels=("variant",)
    )
    for labels in [labels for labels in sums if not labels[0]]:
        dropped.add_metric(labels[2:], sums.pop(labels).count(DROPPED))
    yield dropped
    for name, about in ABOUT:
        counter = CounterMetricFamily(f"matchday_serving_{name}", about, labels=LABELS)
        for labels, each in sums.items():
            counter.add_metric(labels, each.count(PLACE[name]))
        yield counter
    errors = CounterMetricFamily(
        "matchday_serving_errors", "Requests that were not answered.", labels=(*LABELS, "kind")
    )
    for labels, each in sums.items():
        for index, kind in enumerate(KINDS):
            errors.add_metric((*labels, kind), each.count(PLACE["errors"] + index))
    yield errors
    latency = HistogramMetricFamily(
        "matchday_serving_latency_seconds", "Time that requests took, by stage.", labels=(*LABELS, "stage")
    )
    for labels, each in sums.items():
        for stage, (place, exemplars) in zip(STAGES, STAGE_PLACES, strict=True):
            buckets, total = each.histogram(place, SECONDS, exemplars)
            latency.add_metric((*labels, stage), buckets, total)
    yield latency
    yield _plain("batch_rows", "Matches or players in a request.", "rows", ROWS, sums)
    yield _plain("feature_age_seconds", "Age of the oldest feature of a forecast, by event time.", "age", AGES, sums)


def _plain(name: str, about: str, key: str, bounds: tuple[float, ...], sums: dict[Labels, Sum]) -> Metric:
    family = HistogramMetricFamily(f"matchday_serving_{name}", about, labels=LABELS)
    for labels, each in sums.items():
        buckets, total = each.histogram(PLACE[key], bounds)
        family.add_metric(labels, buckets, total)
    return family


def _bound(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else str(float(bound))
