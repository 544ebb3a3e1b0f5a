"""Metrics of the server by model, version and variant: counters and histograms that all workers share."""

import time
from bisect import bisect_left
from http import HTTPStatus
from pathlib import Path

from serving.call import STAGES, TOTAL, Call
from serving.cells import CELLS, CounterFile, Labels, Page, blank_page

TENTHS = (10, 12.5, 16, 20, 25, 31.5, 40, 50, 63, 80)
"""Ten steps in each power of ten: Renard's R10 series, ISO 3."""

SECONDS = tuple(
    bound for power in range(-5, 1) for step in TENTHS if 0.00025 <= (bound := float(f"{step}e{power}")) <= 10
)
"""Bounds of latency buckets: fine enough for the rollout's judge to see a tail that is half as long again."""

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
AGES = (60, 600, 3600, 6 * 3600, *(days * 86400 for days in (0.5, 1, 2, 3, 5, 7, 10, 14, 21, 30, 60, 120)))

ERRORS = (400, 404, 408, 409, 413, 415, 429, 500, 503, 504)
KINDS = (*(HTTPStatus(status).name.lower() for status in ERRORS), "other")

COUNTERS = ("requests", "missing_features", "incomplete", "degraded", "log_dropped")


def _lay_out() -> tuple[dict[str, int], int]:
    """The first cell of each metric in a page, and how many cells are used.

    A histogram has a cell for each bucket, one for values beyond the last, one for the sum. Each bucket of a latency
    has four more for its exemplar: value, the two halves of the trace id, Unix time.
    """
    sizes = dict.fromkeys(COUNTERS, 1) | {"errors": len(KINDS), "rows": len(ROWS) + 2, "age": len(AGES) + 2}
    for stage in STAGES:
        sizes[stage] = len(SECONDS) + 2
        sizes[f"{stage} exemplars"] = 4 * (len(SECONDS) + 1)
    first, used = {}, 0
    for name, size in sizes.items():
        first[name] = used
        used += size
    return first, used


CELL, USED = _lay_out()
assert USED <= CELLS  # noqa: S101
STAGE_CELLS = tuple((CELL[stage], CELL[f"{stage} exemplars"]) for stage in STAGES)
REQUESTS, MISSING, INCOMPLETE, DEGRADED, DROPPED = (CELL[name] for name in COUNTERS)
ERROR_CELL = {status: CELL["errors"] + index for index, status in enumerate(ERRORS)}
OTHER_ERROR = CELL["errors"] + len(ERRORS)


class Series:
    """Metrics of one model in one version and variant, in this worker. Nothing here waits or fails."""

    __slots__ = ("_numbers", "_words")

    def __init__(self, page: Page) -> None:
        self._numbers, self._words = page

    def count_request(self, call: Call, seconds: float, status: int) -> None:
        """Count a request and its stages. seconds: of the whole request. status: of HTTP."""
        numbers = self._numbers
        numbers[REQUESTS] += 1
        if status != HTTPStatus.OK:
            numbers[ERROR_CELL.get(status, OTHER_ERROR)] += 1
        for stage, begun, ended in call.marks:
            self._count_stage(stage, ended - begun, call)
        self._count_stage(TOTAL, seconds, call)

    def count_answer(self, rows: int, missing: int, age: float | None, degraded: bool) -> None:
        """Count a forecast. age: seconds since the event time of its oldest feature."""
        numbers = self._numbers
        self._count(CELL["rows"], ROWS, rows)
        if missing:
            numbers[MISSING] += missing
            numbers[INCOMPLETE] += 1
        if degraded:
            numbers[DEGRADED] += 1
        if age is not None:
            self._count(CELL["age"], AGES, age)

    def count_dropped(self, predictions: int) -> None:
        """Count predictions that the log lost."""
        self._numbers[DROPPED] += predictions

    def _count(self, first: int, bounds: tuple[float, ...], value: float) -> int:
        """Count a value in the histogram that begins at a cell. Returns the index of its bucket."""
        numbers = self._numbers
        bucket = bisect_left(bounds, value)
        numbers[first + bucket] += 1
        numbers[first + len(bounds) + 1] += value
        return bucket

    def _count_stage(self, stage: int, seconds: float, call: Call) -> None:
        first, exemplars = STAGE_CELLS[stage]
        bucket = self._count(first, SECONDS, seconds)
        if call.sampled:
            at = exemplars + 4 * bucket
            self._numbers[at] = seconds
            self._words[at + 1] = call.trace_id >> 64
            self._words[at + 2] = call.trace_id & 0xFFFF_FFFF_FFFF_FFFF
            self._numbers[at + 3] = time.time()


def unpublished_series() -> Series:
    """A series that nobody reads, for an endpoint outside a server."""
    return Series(blank_page())


class Metrics:
    """Metrics of this worker, and the sum of all workers with the same folder."""

    def __init__(self, folder: Path, variant: str) -> None:
        self.variant = variant
        self._file = CounterFile(folder)
        self._series: dict[Labels, Series] = {}
        self.log_dropped(0)

    def series(self, model: str, version: str, variant: str = "") -> Series:
        """The series of a model in this worker; of the server's own variant when none is given."""
        labels = (model, version, variant or self.variant)
        if labels not in self._series:
            self._series[labels] = Series(self._file.page(labels))
        return self._series[labels]

    def log_dropped(self, predictions: int) -> None:
        """Count predictions that the log lost. Of which models is not known."""
        self.series("", "").count_dropped(predictions)

    def read(self) -> dict[Labels, list[Page]]:
        """The pages of all workers, by their labels."""
        pages: dict[Labels, list[Page]] = {}
        for labels, page in self._file.read():
            pages.setdefault(labels, []).append(page)
        return pages

    def close(self) -> None:
        """Close the file."""
        self._file.close()
