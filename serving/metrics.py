"""What the server counts, for Prometheus: by model, version and variant, right with any number of workers."""

import time
from bisect import bisect_left
from http import HTTPStatus
from pathlib import Path

from serving.call import STAGES, TOTAL, Call
from serving.cells import CELLS, Labels, Page, Shelf, blank

TENTHS = (10, 12.5, 16, 20, 25, 31.5, 40, 50, 63, 80)
"""Ten steps of a decade: Renard's R10 series, ISO 3."""

SECONDS = tuple(
    bound for power in range(-5, 1) for step in TENTHS if 0.00025 <= (bound := float(f"{step}e{power}")) <= 10
)
"""Fine enough that the rollout's judge tells a tail that is half as long again from one that is not."""
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
AGES = (60, 600, 3600, 6 * 3600, *(days * 86400 for days in (0.5, 1, 2, 3, 5, 7, 10, 14, 21, 30, 60, 120)))

ERRORS = (400, 404, 408, 409, 413, 415, 429, 500, 503, 504)
KINDS = (*(HTTPStatus(status).name.lower() for status in ERRORS), "other")

COUNTERS = ("requests", "missing_features", "incomplete", "degraded", "log_dropped")


def _lay_out() -> tuple[dict[str, int], int]:
    """Where each thing's first cell is, and how many cells there are.

    A histogram takes a cell for each bucket, one for what is beyond them, one for the sum; each bucket of a latency
    has four more for its exemplar: value, the two halves of the trace id, and when.
    """
    sizes = dict.fromkeys(COUNTERS, 1) | {"errors": len(KINDS), "rows": len(ROWS) + 2, "age": len(AGES) + 2}
    for stage in STAGES:
        sizes[stage] = len(SECONDS) + 2
        sizes[f"{stage} exemplars"] = 4 * (len(SECONDS) + 1)
    places, at = {}, 0
    for name, size in sizes.items():
        places[name] = at
        at += size
    return places, at


PLACE, USED = _lay_out()
assert USED <= CELLS  # noqa: S101
STAGE_PLACES = tuple((PLACE[stage], PLACE[f"{stage} exemplars"]) for stage in STAGES)
REQUESTS, MISSING, INCOMPLETE, DEGRADED, DROPPED = (PLACE[name] for name in COUNTERS)
ERROR_PLACE = {status: PLACE["errors"] + index for index, status in enumerate(ERRORS)}
OTHER_ERROR = PLACE["errors"] + len(ERRORS)


class Series:
    """The numbers of one model in one version and variant, in this worker. Nothing here waits or fails."""

    __slots__ = ("_numbers", "_words")

    def __init__(self, page: Page) -> None:
        self._numbers, self._words = page

    def finished(self, call: Call, seconds: float, status: int) -> None:
        """A request is over, with this HTTP status."""
        numbers = self._numbers
        numbers[REQUESTS] += 1
        if status != HTTPStatus.OK:
            numbers[ERROR_PLACE.get(status, OTHER_ERROR)] += 1
        for stage, begun, ended in call.marks:
            self._took(stage, ended - begun, call)
        self._took(TOTAL, seconds, call)

    def answered(self, rows: int, missing: int, age: float | None, degraded: bool) -> None:
        """A forecast was made. age: seconds since the event time of its oldest feature."""
        numbers = self._numbers
        self._add(PLACE["rows"], ROWS, rows)
        if missing:
            numbers[MISSING] += missing
            numbers[INCOMPLETE] += 1
        if degraded:
            numbers[DEGRADED] += 1
        if age is not None:
            self._add(PLACE["age"], AGES, age)

    def dropped(self, predictions: int) -> None:
        """The prediction log lost some."""
        self._numbers[DROPPED] += predictions

    def _add(self, place: int, bounds: tuple[float, ...], value: float) -> int:
        """Count a value in its histogram. Returns its bucket."""
        numbers = self._numbers
        bucket = bisect_left(bounds, value)
        numbers[place + bucket] += 1
        numbers[place + len(bounds) + 1] += value
        return bucket

    def _took(self, stage: int, seconds: float, call: Call) -> None:
        place, exemplars = STAGE_PLACES[stage]
        bucket = self._add(place, SECONDS, seconds)
        if call.sampled:
            at = exemplars + 4 * bucket
            self._numbers[at] = seconds
            self._words[at + 1] = call.trace_id >> 64
            self._words[at + 2] = call.trace_id & 0xFFFF_FFFF_FFFF_FFFF
            self._numbers[at + 3] = time.time()


def uncounted() -> Series:
    """A series of nobody's, for what is asked outside a server."""
    return Series(blank())


class Metrics:
    """The numbers of this worker, and of all workers on the same folder."""

    def __init__(self, folder: Path, variant: str) -> None:
        self.variant = variant
        self._shelf = Shelf(folder)
        self._series: dict[Labels, Series] = {}
        self.log_dropped(0)

    def series(self, model: str, version: str) -> Series:
        """The numbers of a model in this worker."""
        labels = (model, version, self.variant)
        if labels not in self._series:
            self._series[labels] = Series(self._shelf.page(labels))
        return self._series[labels]

    def log_dropped(self, predictions: int) -> None:
        """The prediction log lost some; whose they were is lost with them."""
        self.series("", "").dropped(predictions)

    def read(self) -> dict[Labels, list[Page]]:
        """The pages of all workers, by their labels."""
        pages: dict[Labels, list[Page]] = {}
        for labels, page in self._shelf.read():
            pages.setdefault(labels, []).append(page)
        return pages

    def close(self) -> None:
        """Let go of the files."""
        self._shelf.close()
