"""Compares features in the online store with those that Feast joins from the lake."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from feature_repo import quiet
from feature_repo.error import FeatureStoreError
from feature_repo.store import open_store
from feature_repo.training import historical
from matchday import history
from matchday.features.tables import TABLES, entity_of
from matchday.lake import Lake
from matchday.models.catalogue import KINDS
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.settings import Settings
from matchday.tables import name

ROWS = 5
"""Rows of entities that are compared: of pairs of teams, ten teams of twenty."""


@dataclass(frozen=True)
class VerifiedStore:
    """What was compared and found equal. rows: of entities, such as pairs of teams.

    ahead: values that were not compared: of rows that the lake does not have yet. Those were streamed in; the next
    features that are built of the history have them too.
    """

    rows: int
    values: int
    ahead: int = 0

    def __add__(self, other: "VerifiedStore") -> "VerifiedStore":
        values = self.values + other.values  # noqa: PD011
        return VerifiedStore(self.rows + other.rows, values, self.ahead + other.ahead)


def verify_views(settings: Settings, lake: Lake, features: str, as_of: datetime) -> VerifiedStore:
    """`verify` for as many models as it takes to read every view that a model reads. Raises as `verify`."""
    found, compared = VerifiedStore(0, 0), set[str]()
    for kind in KINDS.values():
        views = {feature.view for feature in kind.features}
        if not views <= compared:
            found += verify(settings, lake, features, as_of, kind)
            compared |= views
    return found


def verify(
    settings: Settings, lake: Lake, features: str, as_of: datetime, kind: ModelKind = MATCH_OUTCOME
) -> VerifiedStore:
    """Compare a model's features of some rows of entities, which the moment chooses.

    Raises HistoryError when the lake's feature tables are not those of fingerprint `features`, FeatureStoreError that
    names the first value that differs.
    """
    history.expect(lake, features, TABLES)
    views = {feature.view for feature in kind.features}
    tables = {table: lake.read(table) for table in TABLES if name(table) in views}
    rows, known = _sample(kind, tables, as_of)
    offline = historical(kind, settings, lake, rows.assign(event_timestamp=known))
    with quiet.silence_feast():
        store = open_store(settings, known.to_pydatetime())
        service = store.get_feature_service(kind.feature_service)
        asked = [dict(zip(map(str, rows.columns), row, strict=True)) for row in rows.itertuples(index=False)]
        read = store.get_online_features(service, asked, full_feature_names=True)
    online = read.to_df(include_event_timestamps=True)
    inputs = list(rows.columns)
    columns = [column for column in read.to_dict() if column not in inputs]
    both = online.merge(offline, on=inputs, suffixes=("", "__offline"))
    newest = {
        name(table): rows.groupby(entity_of(table).join_key)["event_time"].max() for table, rows in tables.items()
    }
    ahead = 0
    for column in columns:
        side, view, _ = column.split("__", 2)
        last = both[side].map(newest[view])
        online_at = pd.to_datetime(both[f"{column}__ts"], unit="s", utc=True)
        in_lake = (online_at <= last) | (last.isna() & both[column].isna())
        _compare(both.loc[in_lake], column, inputs)
        ahead += len(both) - int(in_lake.sum())
    return VerifiedStore(len(rows), len(rows) * len(columns) - ahead, ahead)


def _sample(
    kind: ModelKind, tables: Mapping[type[DataFrameModel], pd.DataFrame], as_of: datetime
) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Entities of the season for each input of a model, and when the newest of all rows became known.

    No entity is there twice. Joined as of then, no row is out of date, however long nothing has been played.
    """
    known = {table: rows[rows["event_time"] <= as_of] for table, rows in tables.items()}
    entities: dict[str, list[str | int]] = {}
    for table, rows in known.items():
        key = entity_of(table).join_key
        if key not in entities:
            entities[key] = sorted(rows.loc[rows["season"] == rows["season"].max(), key].unique().tolist())
            random.Random(as_of.isoformat()).shuffle(entities[key])
    keys = [each.join_key for each in kind.inputs]
    count = min(ROWS, *(len(entities[key]) // keys.count(key) for key in keys))
    chosen = {each.name: [entities[each.join_key].pop() for _ in range(count)] for each in kind.inputs}
    return pd.DataFrame(chosen), max(rows["event_time"].max() for rows in known.values())


def _compare(both: pd.DataFrame, column: str, inputs: list[str]) -> None:
    """Raises FeatureStoreError for the first row whose two values differ."""
    online, offline = both[column].to_numpy(float), both[f"{column}__offline"].to_numpy(float)
    wrong = np.flatnonzero(~((online == offline) | (np.isnan(online) & np.isnan(offline))))
    if len(wrong):
        row = both.iloc[wrong[0]]
        whose = " - ".join(str(row[each]) for each in inputs)
        raise FeatureStoreError(
            f"the online store has another {column} for {whose} than the lake: "
            f"{online[wrong[0]]} and {offline[wrong[0]]}; run 'matchday pipeline run materialise'"
        )
