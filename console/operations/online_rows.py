"""The rows of the online store, read as the model server reads them, and beside them the offline store."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from console.operations.feature_views import entity_of, features_of, view_names
from matchday import calendar
from matchday.errors import MatchdayError
from matchday.features import entities
from matchday.features.entities import EntityKey
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.settings import Settings
from serving.features import open_store
from serving.features.store import Key, Row, StoreError

StoredRows = Mapping[tuple[str, Key], Row]
"""(feature view, entity) -> row of the online store."""


class UnknownTeamError(MatchdayError):
    """A team that the league never had."""


@dataclass(frozen=True)
class FeaturePair:
    """A feature in both stores; None is missing."""

    feature: str
    online: float | None
    offline: float | None

    @property
    def equal(self) -> bool:
        """Whether both stores hold the same."""
        return self.online == self.offline


@dataclass(frozen=True)
class TeamRow:
    """A team's row in a view. event_time: of the online row, None without one. expired: it is older than its TTL."""

    view: str
    event_time: datetime | None
    expired: bool
    features: tuple[FeaturePair, ...]


@dataclass(frozen=True)
class TeamFeatures:
    """A team's features. as_of: moment as of which the offline store was read, and ages are counted."""

    team: str
    name: str
    as_of: datetime
    rows: tuple[TeamRow, ...]

    @property
    def equal(self) -> bool:
        """Whether both stores hold the same of every feature."""
        return all(pair.equal for row in self.rows for pair in row.features)


def get_team(wanted: str, as_of: str | None) -> TeamFeatures:
    """A team's online rows beside the newest ones of the offline store as of a moment. as_of: None means now.

    wanted: three letters or the name. Raises UnknownTeamError, StoreError, LakeError, CalendarError.
    """
    from feature_repo.offline_rows import newest_rows
    from feature_repo.store import working_store

    settings = Settings()
    moment = calendar.parse(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
    team, full_name = find_team(LakeReader(settings.lake), wanted)
    views = _views_of(entities.TEAM)
    online = read_rows(settings, [team], views)
    rows = []
    with working_store(settings, Lake(settings.lake)) as store:
        for view, names in views.items():
            known = newest_rows(store, view, names, [(team, moment)])
            rows.append(_team_row(view, names, online.get((view, team)), known[team, moment], moment))
    return TeamFeatures(team, full_name, moment, tuple(rows))


def read_all(settings: Settings) -> StoredRows:
    """Every online row; none of a store that was never filled. Raises StoreError for one out of reach."""
    try:
        return asyncio.run(_read_all(settings.online_store))
    except StoreError:
        if settings.online_file and not settings.online_file.exists():
            return {}
        raise


def read_rows(settings: Settings, teams: Sequence[str], views: Mapping[str, Sequence[str]]) -> StoredRows:
    """Online rows of teams. Raises StoreError."""
    return asyncio.run(_read(settings.online_store, teams, views))


def find_team(reader: LakeReader, wanted: str) -> tuple[str, str]:
    """Three letters and name of a team, given by either. Raises UnknownTeamError, with the nearest ones."""
    names = {row["team"]: row["name"] for row in reader.rows("teams", columns=["team", "name"])}
    codes = {text.casefold(): team for team, full in names.items() for text in (full, team)}
    if (team := codes.get(wanted.casefold())) is not None:
        return team, names[team]
    near = dict.fromkeys(codes[text] for text in get_close_matches(wanted.casefold(), codes))
    told = " or ".join(f"{team} ({names[team]})" for team in near)
    known = (
        f"did you mean {told}?" if told else f"known are {', '.join(sorted(names)) or 'none: the lake has no teams'}"
    )
    raise UnknownTeamError(f"no team {wanted!r}; {known}")


def describe_team(found: TeamFeatures) -> dict[str, Any]:
    """A team's features as JSON can hold them."""
    rows = [
        {
            **asdict(row),
            "event_time": row.event_time and row.event_time.isoformat(timespec="seconds"),
            "features": [{**asdict(pair), "equal": pair.equal} for pair in row.features],
        }
        for row in found.rows
    ]
    as_of = found.as_of.isoformat(timespec="seconds")
    return {"team": found.team, "name": found.name, "as_of": as_of, "equal": found.equal, "rows": rows}


async def _read(address: str, teams: Sequence[str], views: Mapping[str, Sequence[str]]) -> StoredRows:
    store = open_store(address)
    try:
        return await store.read(entities.TEAM.join_key, teams, views)
    finally:
        store.close()


async def _read_all(address: str) -> StoredRows:
    found: dict[tuple[str, Key], Row] = {}
    store = open_store(address)
    try:
        for entity in entities.ENTITIES:
            if views := _views_of(entity):
                found |= await store.read(entity.join_key, await store.keys(entity.join_key, views), views)
        return found
    finally:
        store.close()


def _views_of(entity: EntityKey) -> dict[str, list[str]]:
    """Features of each view of these entities."""
    return {view: features_of(view) for view in view_names() if entity_of(view) == entity.join_key}


def _team_row(view: str, names: Sequence[str], row: Row | None, known: Mapping[str, Any], moment: datetime) -> TeamRow:
    values = row.values if row else {}
    pairs = tuple(FeaturePair(each, _number(values.get(each)), _number(known[each])) for each in names)
    if row is None:
        return TeamRow(view, None, False, pairs)
    known_at, ttl = datetime.fromtimestamp(row.oldest, UTC), entities.view(view).ttl_seconds
    expired = ttl is not None and moment - known_at > timedelta(seconds=ttl)
    return TeamRow(view, known_at, expired, pairs)


def _number(value: Any) -> float | None:
    """A value as a number; None for null and NaN."""
    return None if value is None or math.isnan(value) else float(value)
