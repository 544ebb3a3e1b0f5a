"""Checks the data of events against the JSON Schema of their topic, for those who write and those who read."""

from functools import cache
from typing import Any

import jsonschema_rs

from matchday.events.topics import Topic

LONGEST = 200
"""Characters of a complaint: a value that is wrong may be long."""


@cache
def _validator(topic: Topic) -> Any:
    return jsonschema_rs.validator_for(topic.schema())


def is_valid(topic: Topic, data: Any) -> bool:
    """Whether the data of an event is valid for its topic."""
    return bool(_validator(topic).is_valid(data))


def complaint(topic: Topic, data: Any) -> str:
    """What is wrong with the data of an event: the first fault and its place. Empty when nothing is."""
    for error in _validator(topic).iter_errors(data):
        place = "/".join(map(str, error.instance_path)) or "the event"
        return f"{place}: {error.message}"[:LONGEST]
    return ""
