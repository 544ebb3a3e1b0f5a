"""Refresh of features: tables made again of the lake's history, and the online rows replaced without a gap."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from console.operations.online_rows import StoredRows, read_all
from matchday import calendar, history, telemetry
from matchday.features import tables
from matchday.features.freshness import note_materialised
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.settings import Settings
from serving.features.store import StoreError


@dataclass(frozen=True)
class RefreshedStore:
    """What a refresh did. unchanged: the tables were those of the history already.

    changed: online rows that are new or other than before, of `rows` in all. as_of: moment that they are known at.
    """

    features: str
    unchanged: bool
    as_of: datetime
    rows: int
    changed: int


def refresh(as_of: str | None) -> RefreshedStore:
    """Make the feature tables of the lake's history again, and replace the online rows by those known at a moment.

    Readers find the former rows or the new ones, never none and never some of each. as_of: None means now. Raises
    MatchdayError.
    """
    settings = Settings()
    moment = calendar.parse(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
    before = _read_former(settings)
    built = rebuild(settings, moment)
    after = read_all(settings)
    changed = sum(before.get(place) != row for place, row in after.items())
    return RefreshedStore(built.features, built.unchanged, moment, len(after), changed)


def _read_former(settings: Settings) -> StoredRows:
    """The online rows so far; none of a store that cannot be read, or lacks a view that is new."""
    try:
        return read_all(settings)
    except StoreError:
        return {}


def rebuild(settings: Settings, moment: datetime) -> tables.Built:
    """Feature tables of the lake's history, and the online store filled with what of them is known at a moment."""
    from feature_repo.materialise import materialise

    with telemetry.span("refresh features"):
        lake = Lake(settings.lake)
        built = tables.build(lake, history.fingerprint(lake))
        materialise(settings, lake, built.features, moment)
        note_materialised(LakeReader(settings.lake), built.features, moment)
    return built


def describe_refresh(found: RefreshedStore) -> dict[str, Any]:
    """A refresh as JSON can hold it."""
    return {**asdict(found), "as_of": found.as_of.isoformat(timespec="seconds")}
