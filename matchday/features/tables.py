"""Feature tables of the whole history, from lake to lake."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandera.pandas as pa

from matchday import history
from matchday.features.entities import ENTITIES, EntityKey
from matchday.features.freshness import FEATURES, RECEIPT, code
from matchday.features.player_tables import tables_of_the_lake
from matchday.features.team import team_tables
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.ratings.xg import with_xg
from matchday.tables import Appearances, Matches, TeamForm, TeamRatings, Teams, TeamStrength
from matchday.tables.player_form import PlayerForm
from matchday.tables.player_market import PlayerMarket
from matchday.tables.table import key

TEAM_TABLES: tuple[type[pa.DataFrameModel], ...] = (TeamForm, TeamRatings, TeamStrength)
"""Those that the stream keeps up to date, too."""
TABLES: tuple[type[pa.DataFrameModel], ...] = (*TEAM_TABLES, PlayerForm, PlayerMarket)
INPUTS = ("matches", "appearances", "teams", "availability", "fixtures", "players")
"""Tables that features are made of, by name."""

SeasonPrints = dict[str, list[str]]
"""Fingerprints of some tables by season."""


DTYPES = ("int64", "float64")
"""Of the columns of a feature table that are features; the others say whose they are, and since when."""


def entity_of(table: type[pa.DataFrameModel]) -> EntityKey:
    """Whose features a feature table holds: players where its key names them, else teams."""
    named = [entity for entity in ENTITIES if entity.join_key in key(table)]
    return named[-1]


def features_of(table: type[pa.DataFrameModel]) -> dict[str, str]:
    """The features of a feature table, and their types."""
    types = {name: str(column.dtype) for name, column in table.to_schema().columns.items()}
    return {name: dtype for name, dtype in types.items() if dtype in DTYPES and name not in key(table)}


@dataclass(frozen=True)
class Built:
    """Feature tables in the lake. features: their fingerprint. unchanged: they were there before."""

    features: str
    unchanged: bool


def build(lake: Lake, of: str) -> Built:
    """Write `TABLES` of the history with fingerprint `of`; tables that are there are left alone.

    Rows are made from the first season on that changed: those of earlier ones depend on nothing later. Raises
    HistoryError when the lake holds another history by now.
    """
    history.expect(lake, of)
    made = {"history": of, "code": code()}
    known = history.receipt(lake, RECEIPT)
    if (
        made.items() <= known.items()
        and known["features"] == history.present(lake, TABLES)
        and all(map(lake.intact, TABLES))
    ):
        return Built(str(known["features"]), unchanged=True)
    reader = LakeReader(lake.storage.url)
    inputs = _by_season(reader, INPUTS)
    whole = made["code"] != known.get("code") or not all(map(lake.intact, TABLES))
    since = "" if whole else first_change(known.get("seasons"), inputs, _by_season(reader, FEATURES))
    appearances, teams = lake.read(Appearances), lake.read(Teams)
    matches = with_xg(lake.read(Matches), appearances)
    frames = (*team_tables(matches, teams, since), *tables_of_the_lake(lake, appearances, teams, since))
    for table, frame in zip(TABLES, frames, strict=True):
        (lake.write_seasons if since else lake.write)(table, frame)
    features = history.fingerprint(lake, TABLES)
    seasons = {"inputs": inputs, "features": _by_season(reader, FEATURES)}
    lake.storage.write(RECEIPT, json.dumps({**made, "features": features, "seasons": seasons}).encode())
    return Built(features, unchanged=False)


def first_change(known: Any, inputs: SeasonPrints, features: SeasonPrints) -> str:
    """The first season whose input changed since the receipt, or whose features are not those that were written.

    known: what the receipt says of seasons. Empty when all have to be made: without such a receipt, when a season is
    gone, or when nothing is found to have changed.
    """
    try:
        before, written = dict(known["inputs"]), dict(known["features"])
    except (KeyError, TypeError, ValueError):
        return ""
    if not before.keys() <= inputs.keys():
        return ""
    changed = (one for one in inputs if before.get(one) != inputs[one] or written.get(one) != features.get(one))
    return min(changed, default="")


def _by_season(reader: LakeReader, tables: Sequence[str]) -> SeasonPrints:
    """The fingerprint of each table in each season, by season; empty for a table that has no rows of it."""
    found = {table: reader.seasons(table) for table in tables}
    names = sorted({season for seasons in found.values() for season in seasons})
    return {season: [found[table].get(season, "") for table in tables] for season in names}
