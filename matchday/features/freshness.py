"""Whether the lake's feature tables are those of its history, told without reading a row."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from matchday.lake.reader import LakeReader

HISTORY = ("matches", "appearances", "teams", "fixtures", "players")
"""Tables of the history by name: `matchday.history.TABLES`, which takes pandas to import."""
FEATURES = ("team_form", "team_ratings")
"""Feature tables by name: `matchday.features.tables.TABLES`."""
RECEIPT = "built.json"
"""In the lake: of which history, and by which code, its feature tables were made."""


def features_are_current(reader: LakeReader) -> bool:
    """Whether feature tables are there and were made by this code of the history that is there."""
    try:
        receipt = json.loads(reader.storage.read(RECEIPT))
        said = (receipt["history"], receipt["features"], receipt["code"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False
    return None not in said and said == (
        combine(reader.fingerprints(HISTORY)),
        combine(reader.fingerprints(FEATURES)),
        code(),
    )


def combine(prints: Mapping[str, str | None]) -> str | None:
    """One fingerprint of several tables', as `matchday.history.present` makes it; None when one is not there."""
    return None if None in prints.values() else hashlib.sha256(repr(sorted(prints.items())).encode()).hexdigest()[:16]


def code() -> str:
    """Fingerprint of the code that makes the feature tables: the rooms `features` and `ratings`."""
    rooms = (Path(__file__).parent, Path(__file__).parent.with_name("ratings"))
    files = sorted(file for room in rooms for file in room.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
