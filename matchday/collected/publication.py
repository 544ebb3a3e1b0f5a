"""The standard tables of the lake, written from what was collected: seasons under way, beside the bundled ones."""

import json
from collections.abc import Iterable
from datetime import datetime

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday import history
from matchday.collected.current import BUILDERS, ObservedSeason, observed_seasons, season_rows
from matchday.collected.store import TABLES, ObservationStore
from matchday.lake import Lake
from matchday.sources.snapshot import Snapshot
from matchday.tables import Availability, Matches, Teams, name

RECEIPT = "published.json"
"""In the lake: which observations and which bundled history its tables were made from."""


def write_tables(
    lake: Lake, snapshot: Snapshot, store: ObservationStore, moment: datetime
) -> tuple[list[ObservedSeason], list[str]]:
    """Write the tables of the seasons under way as of a moment. Returns the seasons, and names of tables that changed.

    Tables that the lake lacks come from the bundled history first. Each table is replaced in one step, and one that
    would not change is left alone, so a write that was interrupted is finished by the next one. Raises SnapshotError,
    TableError, LakeError, StorageError.
    """
    _take_in_bundled(lake, snapshot)
    observed = {table: store.read(table) for table in TABLES}
    seasons = observed_seasons(observed, moment, snapshot.load(Matches), snapshot.load(Teams))
    origin = {"observed": _fingerprints(store.lake, TABLES), "seasons": [one.season for one in seasons]}
    if history.receipt(lake, RECEIPT) == origin | {"tables": _fingerprints(lake, BUILDERS)}:
        return seasons, []
    before = _fingerprints(lake, BUILDERS)
    for table in BUILDERS:
        for one in seasons:
            _write_season(lake, table, one.season, season_rows(table, [one]))
    written = _fingerprints(lake, BUILDERS)
    lake.storage.write(RECEIPT, json.dumps(origin | {"tables": written}).encode())
    return seasons, [table for table in written if written[table] != before[table]]


def _fingerprints(lake: Lake, tables: Iterable[type[DataFrameModel]]) -> dict[str, str | None]:
    return {name(table): lake.fingerprint(table) for table in tables}


def _take_in_bundled(lake: Lake, snapshot: Snapshot) -> None:
    if any(lake.fingerprint(table) is None for table in history.TABLES):
        history.ingest(snapshot, lake)
    if lake.fingerprint(Availability) is None:
        lake.write(Availability, snapshot.load(Availability))


def _write_season(lake: Lake, table: type[DataFrameModel], season: str, rows: pd.DataFrame) -> None:
    """Make the rows those of the season; without rows the table loses the season, such as its one result withdrawn."""
    if len(rows):
        lake.write_seasons(table, rows)
    elif len(lake.read(table, [season])):
        whole = lake.read(table)
        lake.write(table, whole[whole["season"] != season])
