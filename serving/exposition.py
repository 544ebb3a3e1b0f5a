"""Exposition of the metrics for Prometheus: the sums over all workers, as text or OpenMetrics."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from serving.call import STAGES
from serving.cells import Labels, Page
from serving.metrics import AGES, CELL, DROPPED, KINDS, ROWS, SECONDS, STAGE_CELLS, Metrics

LABELS = ("model", "version", "variant")

DESCRIPTIONS = (
    ("requests", "Requests for a forecast or an explanation, whatever came of them."),
    ("missing_features", "Features that were missing, one per gap."),
    ("incomplete", "Answers that lacked at least one feature."),
    ("degraded", "Answers from the last known features, while the store could not be read."),
)


def render(metrics: Metrics, accept: str) -> tuple[bytes, str]:
    """The text and its content type: OpenMetrics, with exemplars, for a client that accepts it."""
    collector = WorkersCollector(metrics)
    if any(map(_is_openmetrics, accept.split(","))):
        body: bytes = openmetrics.generate_latest(collector)  # type: ignore[no-untyped-call]
        return body, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(collector), CONTENT_TYPE_PLAIN_0_0_4


def _is_openmetrics(media_range: str) -> bool:
    """Whether a part of an Accept header takes OpenMetrics in version 1.0.0.

    prometheus-client's own `choose_encoder` fails on versions that are no numbers, and repeats them in its answer.
    """
    kind, *parameters = (part.strip().lower() for part in media_range.split(";"))
    given = dict(part.partition("=")[::2] for part in parameters)
    version, quality = given.get("version", "").strip('"'), given.get("q", "1")
    return kind == "application/openmetrics-text" and version in ("", "1.0.0") and quality.strip("0.") != ""


class WorkersCollector(Collector):
    """Metrics of all workers of the server."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """The metric families, summed over the workers."""
        return list(_families({labels: SummedPages(pages) for labels, pages in self._metrics.read().items()}))


class SummedPages:
    """The cells of one set of labels, summed over all workers."""

    def __init__(self, pages: list[Page]) -> None:
        self._pages = pages

    def count(self, cell: int) -> float:
        """The sum of one cell."""
        return sum(page.numbers[cell] for page in self._pages)

    def histogram(self, first: int, bounds: tuple[float, ...], exemplars: int | None = None) -> tuple[list[Any], float]:
        """Cumulative buckets as Prometheus wants them, and the sum of the values. first: cell of the first bucket."""
        buckets, so_far = [], 0.0
        for bucket, bound in enumerate((*bounds, float("inf"))):
            so_far += self.count(first + bucket)
            exemplar = None if exemplars is None else self._exemplar(exemplars + 4 * bucket)
            buckets.append((_bound(bound), so_far, exemplar))
        return buckets, self.count(first + len(bounds) + 1)

    def _exemplar(self, at: int) -> Exemplar | None:
        """The newest exemplar of all workers."""
        page = max(self._pages, key=lambda each: each.numbers[at + 3])
        if not page.numbers[at + 3]:
            return None
        trace_id = f"{page.words[at + 1]:016x}{page.words[at + 2]:016x}"
        return Exemplar({"trace_id": trace_id}, page.numbers[at], page.numbers[at + 3])


def _families(sums: dict[Labels, SummedPages]) -> Iterator[Metric]:
    dropped = CounterMetricFamily(
        "matchday_serving_log_dropped", "Predictions that the prediction log lost.", labels=("variant",)
    )
    for labels in [labels for labels in sums if not labels[0]]:
        dropped.add_metric(labels[2:], sums.pop(labels).count(DROPPED))
    yield dropped
    for name, about in DESCRIPTIONS:
        counter = CounterMetricFamily(f"matchday_serving_{name}", about, labels=LABELS)
        for labels, each in sums.items():
            counter.add_metric(labels, each.count(CELL[name]))
        yield counter
    errors = CounterMetricFamily(
        "matchday_serving_errors", "Requests that were not answered.", labels=(*LABELS, "kind")
    )
    for labels, each in sums.items():
        for index, kind in enumerate(KINDS):
            errors.add_metric((*labels, kind), each.count(CELL["errors"] + index))
    yield errors
    latency = HistogramMetricFamily(
        "matchday_serving_latency_seconds", "Time that requests took, by stage.", labels=(*LABELS, "stage")
    )
    for labels, each in sums.items():
        for stage, (first, exemplars) in zip(STAGES, STAGE_CELLS, strict=True):
            buckets, total = each.histogram(first, SECONDS, exemplars)
            latency.add_metric((*labels, stage), buckets, total)
    yield latency
    yield _histogram("batch_rows", "Matches or players in a request.", "rows", ROWS, sums)
    yield _histogram(
        "feature_age_seconds", "Age of the oldest feature of a forecast, by event time.", "age", AGES, sums
    )


def _histogram(name: str, about: str, key: str, bounds: tuple[float, ...], sums: dict[Labels, SummedPages]) -> Metric:
    family = HistogramMetricFamily(f"matchday_serving_{name}", about, labels=LABELS)
    for labels, each in sums.items():
        buckets, total = each.histogram(CELL[key], bounds)
        family.add_metric(labels, buckets, total)
    return family


def _bound(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else str(float(bound))
