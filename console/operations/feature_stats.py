"""Figures of the online store: rows and their ages, gaps, memory, and how often a server finds what it asks for."""

import math
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from console.operations.feature_views import view_names, view_summary
from console.operations.online_rows import StoredRows, read_all
from feature_repo.memory import StoreMemory, measure_memory
from matchday.features import entities
from matchday.lake.reader import LakeReader
from matchday.settings import Settings
from matchday.signature import RAW_INPUT

TIMEOUT_SECONDS = 5.0
SERVED = "matchday_serving_"


@dataclass(frozen=True)
class OnlineView:
    """What the online store holds of a view, and the lake. rows, offline_rows: how many.

    oldest, newest: event times of the online rows. expired: rows beyond their TTL now. missing: values that are null,
    of `values` in all.
    """

    view: str
    rows: int
    offline_rows: int
    oldest: datetime | None
    newest: datetime | None
    expired: int
    values: int
    missing: int


@dataclass(frozen=True)
class HitRates:
    """Of a model version that serves. answers: requests that were answered. forecasts: rows of them.

    complete, degraded: shares of the answers that had every feature, and that came of last known rows. found: share of
    the features that were found; each None when nothing was answered yet.
    """

    model: str
    version: str
    variant: str
    answers: int = 0
    forecasts: int = 0
    complete: float | None = None
    degraded: float | None = None
    found: float | None = None


@dataclass(frozen=True)
class FeatureStats:
    """Figures as of `at`. hits: of a server, None when none was asked. silence: why an asked one gave none."""

    at: datetime
    views: tuple[OnlineView, ...]
    memory: StoreMemory
    hits: tuple[HitRates, ...] | None = None
    silence: str = ""


def collect(server: str | None) -> FeatureStats:
    """The figures of now. server: URL of a model server. Raises StoreError, FeatureStoreError, LakeError."""
    settings, now = Settings(), datetime.now(UTC)
    rows, reader = read_all(settings), LakeReader(settings.lake)
    views = tuple(_online_view(reader, view, rows, now) for view in view_names())
    stats = FeatureStats(now, views, measure_memory(settings))
    if server is None:
        return stats
    try:
        return replace(stats, hits=tuple(ask_server(server)))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as why:
        return replace(stats, hits=(), silence=f"no metrics from {server} ({why})")


def describe_stats(stats: FeatureStats) -> dict[str, Any]:
    """The figures as JSON can hold them."""
    views = [{**asdict(one), "oldest": _text(one.oldest), "newest": _text(one.newest)} for one in stats.views]
    hits = None if stats.hits is None else [asdict(one) for one in stats.hits]
    return {"at": _text(stats.at), "views": views, "memory": asdict(stats.memory), "hits": hits, "note": stats.silence}


def ask_server(url: str) -> list[HitRates]:
    """How often a server found the features it asked for, by model, version and variant. Raises httpx.HTTPError."""
    with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
        page = client.get("/metrics")
        page.raise_for_status()
        samples = _samples(page.text)
        models = sorted({labels[0] for _, labels in samples if labels[0]})
        widths = {model: _columns(client, model) for model in models}
    return [
        _hit_rates(labels, samples, widths[labels[0]]) for labels in sorted({each for _, each in samples if each[0]})
    ]


Samples = dict[tuple[str, tuple[str, str, str]], float]
"""(metric without its prefix, (model, version, variant)) -> value."""


def _samples(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith(SERVED) and sample.labels.keys() == {"model", "version", "variant"}:
                model, version, variant = (sample.labels[each] for each in ("model", "version", "variant"))
                found[sample.name.removeprefix(SERVED), (model, version, variant)] = sample.value
    return found


def _columns(client: httpx.Client, model: str) -> int:
    """Features of one forecast; 0 when the server does not say."""
    answer = client.get(f"/v2/models/{model}")
    if answer.status_code != httpx.codes.OK:
        return 0
    widths = [each["shape"][-1] for each in answer.json()["inputs"] if each["name"] == RAW_INPUT]
    return int(widths[0]) if widths else 0


def _hit_rates(labels: tuple[str, str, str], samples: Samples, width: int) -> HitRates:
    def count(name: str) -> float:
        return samples.get((name, labels), 0.0)

    answers, forecasts = count("batch_rows_count"), count("batch_rows_sum")
    asked = forecasts * width
    return HitRates(
        *labels,
        answers=int(answers),
        forecasts=int(forecasts),
        complete=1 - count("incomplete_total") / answers if answers else None,
        degraded=count("degraded_total") / answers if answers else None,
        found=1 - count("missing_features_total") / asked if asked else None,
    )


def _online_view(reader: LakeReader, view: str, stored: StoredRows, now: datetime) -> OnlineView:
    rows = [row for (name, _), row in stored.items() if name == view]
    ttl = entities.view(view).ttl_seconds or math.inf
    values = [value for row in rows for value in row.values.values()]
    return OnlineView(
        view=view,
        rows=len(rows),
        offline_rows=view_summary(reader, view).rows,
        oldest=_moment(min((row.oldest for row in rows), default=None)),
        newest=_moment(max((row.newest for row in rows), default=None)),
        expired=sum(row.oldest < now.timestamp() - ttl for row in rows),
        values=len(values),
        missing=sum(value is None or value != value for value in values),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
