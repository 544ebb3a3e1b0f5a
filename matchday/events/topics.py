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

    keep_days: how long Kafka keeps events; 0: for ever.

    The version is part of name, type and file: a change that breaks a reader gets a new topic.
    """

    name: str
    type: str
    schema_file: str
    keep_days: int = 30

    def schema(self) -> dict[str, Any]:
        """The JSON Schema that the data of every event is valid against."""
        content: dict[str, Any] = json.loads((SCHEMAS / self.schema_file).read_text(encoding="utf-8"))
        return content


PREDICTIONS = Topic("matchday.predictions.v1", "matchday.prediction.v1", "prediction.v1.schema.json")
RESULTS = Topic("matchday.results.v1", "matchday.result.v1", "result.v1.schema.json", keep_days=400)
PLAYER_STATS = Topic(
    "matchday.player-stats.v1", "matchday.player-stats.v1", "player-stats.v1.schema.json", keep_days=400
)
DEAD_LETTERS = Topic("matchday.dead-letters.v1", "matchday.dead-letter.v1", "dead-letter.v1.schema.json", keep_days=0)

TOPICS = (PREDICTIONS, RESULTS, PLAYER_STATS, DEAD_LETTERS)
STREAMED = (RESULTS, PLAYER_STATS)
"""Topics that features are made of."""
