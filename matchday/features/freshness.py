"""Whether the lake's feature tables are those of its history, told without reading a row."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from matchday.lake.reader import LakeReader

HISTORY = ("matches", "appearances", "teams", "fixtures", "players", "availability")
"""Tables of the history by name: `matchday.history.TABLES`, which takes pandas to import."""
TEAM_FEATURES = ("team_form", "team_ratings", "team_strength")
FEATURES = (*TEAM_FEATURES, "player_form", "player_market")
"""Feature tables by name: `matchday.features.tables.TABLES`."""
RECEIPT = "built.json"
"""In the lake: of which history, and by which code, its feature tables were made."""
ONLINE_RECEIPT = "materialised.json"
"""In the lake: of which feature tables the online store was filled last, and as of when."""


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


def downstream_is_current(reader: LakeReader, now: datetime) -> bool:
    """Whether features are those of the history, and the online store holds all of them that are known by now."""
    try:
        receipt = json.loads(reader.storage.read(ONLINE_RECEIPT))
        filled, as_of = str(receipt["features"]), datetime.fromisoformat(receipt["as_of"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False
    if not features_are_current(reader) or filled != combine(reader.fingerprints(FEATURES)):
        return False
    newest = {table: sorted(reader.seasons(table))[-1:] for table in FEATURES}  # earlier rows are not the latest of all
    known_since = (
        as_of < row["event_time"] <= now
        for table, season in newest.items()
        for row in reader.rows(table, season, columns=["event_time"])
    )
    return as_of <= now and not any(known_since)


def note_materialised(reader: LakeReader, features: str, as_of: datetime) -> None:
    """Write down that the online store was filled from feature tables of this fingerprint."""
    content = json.dumps({"features": features, "as_of": as_of.isoformat()})
    reader.storage.write(ONLINE_RECEIPT, content.encode())


def combine(prints: Mapping[str, str | None]) -> str | None:
    """One fingerprint of several tables', as `matchday.history.present` makes it; None when one is not there."""
    return None if None in prints.values() else hashlib.sha256(repr(sorted(prints.items())).encode()).hexdigest()[:16]


def code() -> str:
    """Fingerprint of the code that makes the feature tables: the rooms `features` and `ratings`, and what they read."""
    matchday = Path(__file__).parents[1]
    files = sorted(file for room in ("features", "ratings") for file in (matchday / room).glob("*.py"))
    files += [matchday / "deductions.py", matchday / "unrecorded.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
