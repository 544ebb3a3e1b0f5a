"""Served equals batch: a sample of the prediction log beside the offline store, as numbers and as metrics."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from feature_repo.served import REASONS, VerifiedPredictions, verify_served
from matchday import calendar, telemetry
from matchday.errors import MatchdayError
from matchday.events import EventsAddress
from matchday.files import write_file
from matchday.lake import Lake
from matchday.settings import Settings
from serving.settings import ServingSettings


class NoLogError(MatchdayError):
    """No prediction log is named."""


def verify(log: str | None, sample: int, since: str | None) -> VerifiedPredictions:
    """Compare a sample of the prediction log with the offline store.

    log: its address, by default that of the server's settings. since: leaves out what was answered before. Raises
    NoLogError, EventsError, LakeError, CalendarError.
    """
    address = log or ServingSettings().predictions
    if not address:
        raise NoLogError(
            "no prediction log is named: give --log file:PATH or --log kafka://HOST:PORT, or set"
            " MATCHDAY_SERVING_PREDICTIONS as for the server"
        )
    settings = Settings()
    moment = calendar.parse(since) if since else None
    with telemetry.span("verify served features", sample=sample):
        return verify_served(settings, Lake(settings.lake), EventsAddress.parse(address), sample, moment)


def describe_verified(found: VerifiedPredictions) -> dict[str, Any]:
    """The result as JSON can hold it."""
    return {**asdict(found), "share": None if math.isnan(found.share) else found.share}


def write_metrics(found: VerifiedPredictions, file: Path) -> None:
    """Write the numbers in Prometheus' text format, in one step. Raises MatchdayError for a file that it cannot."""
    try:
        write_file(file, generate_latest(VerifiedCollector(found, datetime.now(UTC))))
    except OSError as why:
        raise MatchdayError(f"the metrics file {file} cannot be written: {why.strerror}") from None


class VerifiedCollector(Collector):
    """The numbers of a comparison for Prometheus. at: when it was made."""

    def __init__(self, found: VerifiedPredictions, at: datetime) -> None:
        self._found = found
        self._at = at

    def collect(self) -> Iterable[Metric]:
        """The metric families."""
        found = self._found
        outcomes = GaugeMetricFamily(
            "matchday_served_features_predictions",
            "Predictions of the last sample by what came of comparing them with the offline store.",
            labels=("outcome", "reason"),
        )
        outcomes.add_metric(("equal", ""), found.equal)
        outcomes.add_metric(("differing", ""), found.differing)
        for reason in REASONS:
            outcomes.add_metric(("not_comparable", reason), found.not_comparable.get(reason, 0))
        share = "Share of the compared predictions whose features differ; NaN when none could be compared."
        when = "When the sample was compared, Unix seconds."
        return [
            outcomes,
            GaugeMetricFamily("matchday_served_features_differing_ratio", share, found.share),
            GaugeMetricFamily("matchday_served_features_verified_timestamp_seconds", when, self._at.timestamp()),
        ]
