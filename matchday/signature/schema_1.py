"""Signatures of schema 1 as schema 2. Read for one more release: then this module goes.

Schema 1 said neither join keys nor datatypes nor TTLs: the server knew those of this project. They are repeated here.
"""

from collections.abc import Mapping
from typing import Any

from matchday.signature.checks import SignatureError

JOIN_KEYS = {"home": "team", "away": "team", "opponent": "team"}
"""Request input -> join key, where they differ."""

NUMBER_KEYS = ("player",)
"""Join keys that are INT64; all others are text."""

TTL_SECONDS = 120 * 86_400.0
LONGEST_REST_DAYS = 14.0
MOMENT = "kickoff"
OPPONENTS = ("home", "away")


def upgrade(value: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of schema 2. Raises SignatureError for an unknown transform; other fields are checked later."""
    upgraded = {**value, "schema": 2, "moment": MOMENT, "distinct": []}
    inputs, features = value.get("inputs"), value.get("features")
    if isinstance(inputs, list) and all(isinstance(name, str) for name in inputs):
        upgraded["inputs"] = [_input(name) for name in inputs]
        upgraded["distinct"] = list(OPPONENTS) if set(OPPONENTS) <= set(inputs) else []
    upgraded["views"] = []
    if isinstance(features, list):
        upgraded["features"] = [_feature(item) if isinstance(item, Mapping) else item for item in features]
        views = dict.fromkeys(item["view"] for item in features if isinstance(item, Mapping) and "view" in item)
        upgraded["views"] = [{"name": view, "ttl_seconds": TTL_SECONDS} for view in views]
    return upgraded


def _input(name: str) -> dict[str, str]:
    join_key = JOIN_KEYS.get(name, name)
    return {"name": name, "join_key": join_key, "datatype": "INT64" if join_key in NUMBER_KEYS else "BYTES"}


def _feature(item: Mapping[str, Any]) -> dict[str, Any]:
    feature = {("input" if key == "entity" else key): each for key, each in item.items() if key != "transform"}
    match item.get("transform"):
        case None:
            feature["derived"] = None
        case "days_before_kickoff":
            feature["derived"] = {"kind": "days_since", "at_most": LONGEST_REST_DAYS}
        case other:
            raise SignatureError(f"features.{item.get('name')}.transform is {other!r}, unknown in schema 1")
    return feature
