"""Kafka topics: name, CloudEvents type and JSON Schema of the events on each.

A new topic is one entry here and one file in `schemas/`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).with_name("schemas")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic whose events all have one type. schema_file: JSON Schema of their data, a file in `SCHEMAS`.

    The version is part of name, type and file: a change that breaks a reader gets a new topic.
    """

    name: str
    type: str
    schema_file: str

    def schema(self) -> dict[str, Any]:
        """The JSON Schema that the data of every event is valid against."""
        content: dict[str, Any] = json.loads((SCHEMAS / self.schema_file).read_text(encoding="utf-8"))
        return content


PREDICTIONS = Topic("matchday.predictions.v1", "matchday.prediction.v1", "prediction.v1.schema.json")

TOPICS = (PREDICTIONS,)
