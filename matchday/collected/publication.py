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
from matchday.tables import Matches, Teams, name

RECEIPT = "published.json"
"""In the lake: which observations and which bundled history its tables were made from."""


def write_tables(
    lake: Lake, snapshot: Snapshot, store: ObservationStore, moment: datetime
) -> tuple[list[ObservedSeason], list[str]]:
    """Write the tables of the seasons under way as of a moment. Returns the seasons, and names of tables that changed.

    The other seasons are the bundled ones (`history.ingest`); a lake that gets them first has not changed by it. Each
    table is replaced in one step, and one that would not change is left alone, so a write that was interrupted is
    finished by the next one. Raises SnapshotError, TableError, LakeError, StorageError.
    """
    before = _fingerprints(lake, BUILDERS)
    observed = {table: store.read(table) for table in TABLES}
    seasons = observed_seasons(observed, moment, snapshot.load(Matches), snapshot.load(Teams))
    living = [one.season for one in seasons]
    history.ingest(snapshot, lake, living)
    if None in before.values():
        before = _fingerprints(lake, BUILDERS)
    origin = {"observed": _fingerprints(store.lake, TABLES), "seasons": living}
    if history.receipt(lake, RECEIPT) != origin | {"tables": _fingerprints(lake, BUILDERS)}:
        for table in BUILDERS:
            for one in seasons:
                _write_season(lake, table, one.season, season_rows(table, [one]))
        history.note_taken(lake, snapshot.verify(), living)
        lake.storage.write(RECEIPT, json.dumps(origin | {"tables": _fingerprints(lake, BUILDERS)}).encode())
    written = _fingerprints(lake, BUILDERS)
    return seasons, [table for table in written if written[table] != before[table]]


def _fingerprints(lake: Lake, tables: Iterable[type[DataFrameModel]]) -> dict[str, str | None]:
    return {name(table): lake.fingerprint(table) for table in tables}


def _write_season(lake: Lake, table: type[DataFrameModel], season: str, rows: pd.DataFrame) -> None:
    """Make the rows those of the season; without rows the table loses the season, such as its one result withdrawn."""
    if len(rows):
        lake.write_seasons(table, rows)
    elif len(lake.read(table, [season])):
        whole = lake.read(table)
        lake.write(table, whole[whole["season"] != season])
