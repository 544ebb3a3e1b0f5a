"""Schedule and features made anew from the tables as they were known at a moment. Takes seconds."""

from datetime import datetime
from typing import Any

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday import history
from matchday.collected.current import tables
from matchday.collected.store import TABLES, ObservationStore
from matchday.features.freshness import TEAM_FEATURES
from matchday.features.tables import build
from matchday.features.team import team_tables
from matchday.forecasts.knowledge import Knowledge, find_unscheduled
from matchday.forecasts.scheduled import ScheduledMatch
from matchday.forecasts.team_rows import newest_rows
from matchday.lake import Lake
from matchday.ratings.xg import with_xg
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Fixtures, Matches, Teams
from matchday.tables.observed import ObservedFixtures


def rebuild_knowledge(settings: Settings, as_of: datetime) -> Knowledge:
    """What was known just before a moment. Raises TableError, LakeError, SnapshotError."""
    store, snapshot = ObservationStore(settings.collected), Snapshot(settings.snapshot)
    observed = {table: store.read(table) for table in TABLES}
    frames = tables(snapshot.load, observed, as_of)

    def frame(table: type[DataFrameModel]) -> pd.DataFrame:
        return frames[table] if table in frames else snapshot.load(table)

    feature_tables = team_tables(with_xg(frame(Matches), frame(Appearances)), frame(Teams))
    fixtures = [ScheduledMatch.of_row(row) for row in plain_rows(frame(Fixtures))]
    said = observed[ObservedFixtures]
    unscheduled = find_unscheduled(plain_rows(said[said["known_at"] < as_of]), fixtures)
    views = zip(TEAM_FEATURES, feature_tables, strict=True)
    rows = {view: newest_rows(plain_rows(table), as_of) for view, table in views}
    return Knowledge(as_of, tuple(fixtures), unscheduled, rows, made_anew=True)


def build_features(settings: Settings) -> None:
    """Write the feature tables of the lake's history; of the bundled one, where the lake has none.

    Raises HistoryError, SnapshotError, LakeError.
    """
    lake = Lake(settings.lake)
    if history.present(lake) is None:
        history.ingest(Snapshot(settings.snapshot), lake)
    build(lake, history.fingerprint(lake))


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: None for what is missing, datetime for moments."""
    columns = {}
    for column in frame.columns:
        values = frame[column]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[str(column)] = [None if pd.isna(one) else one.to_pydatetime() for one in values]
        else:
            columns[str(column)] = values.astype(object).where(values.notna(), None).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
