"""Predictions, their events, and what tests of the prediction log wait for."""

from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import numpy as np
import orjson

from matchday.events import PREDICTIONS, CloudEvent
from matchday.events.file_producer import FileProducer
from serving.log.encoder import PredictionEncoder
from serving.log.file_sender import FileSender
from serving.log.prediction import Prediction
from serving.log.queue import QueuedLog
from tests.waiting import eventually

MOMENT = 1_779_634_800.25
FEATURES = ("home_elo", "away_elo", "home_rest_days")
LABELS = ("H", "D", "A")
SOURCES = ("home.team_ratings", "home.team_form", "away.team_ratings")
TEAMS = ("ARS", "BOU", "LIV", "MCI", "WHU")


class Trace(NamedTuple):
    trace_id: int = 0x0AF7651916CD43DD8448EB211C80319C
    span_id: int = 0xB7AD6B7169203331
    trace_flags: int = 1


def prediction(number: int = 0, rows: int = 1, **changes: Any) -> Prediction:
    fields: dict[str, Any] = {
        "request_id": f"r{number}",
        "trace": Trace(),
        "model": "match-outcome",
        "version": "12",
        "variant": "stable",
        "entities": {"home": ["ARS"] * rows, "away": ["LIV"] * rows},
        "features": FEATURES,
        "values": np.array([[1900.5, np.nan, 0.1]] * rows, np.float32),
        "event_time": MOMENT - 3600,
        "labels": LABELS,
        "output": np.array([[0.5, 0.25, 0.25]] * rows, np.float32),
        "latency": 0.00025,
        "time": MOMENT,
        "kickoffs": [MOMENT + 7200] * rows,
        "feature_service": "match_outcome_v1",
        "sources": SOURCES,
        "times": [MOMENT - 3600, None, MOMENT - 1800] * rows,
    }
    return Prediction(**(fields | changes))


def encoded(number: int, entry: Prediction, row: int = 0) -> CloudEvent:
    """The event as the server makes it. number: of the forecast in its worker."""
    return PredictionEncoder("p").event(number, entry, row)


def received(number: int, entry: Prediction, row: int = 0) -> CloudEvent:
    """The event as a reader gets it."""
    return CloudEvent.from_line(encoded(number, entry, row).line())


@cache
def schema() -> jsonschema.Draft202012Validator:
    """What checks the data of an event against the published schema."""
    content = PREDICTIONS.schema()
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content, format_checker=jsonschema.FormatChecker())


def file_log(path: Path, **options: Any) -> QueuedLog:
    """A log that a worker writes to a file."""
    return QueuedLog(FileSender(FileProducer(path)), **options)


def lines(path: Path) -> list[dict[str, Any]]:
    """The events of a file that may be growing: a last line without its end is left out."""
    content = path.read_bytes() if path.exists() else b""
    return [orjson.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


wait_for = partial(eventually, seconds=60.0)
