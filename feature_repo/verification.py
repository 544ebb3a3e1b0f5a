"""Compares features in the online store with those that Feast joins from the lake."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from feature_repo import quiet
from feature_repo.error import FeatureStoreError
from feature_repo.store import open_store
from feature_repo.training import historical
from matchday import history
from matchday.features import services
from matchday.features.services import FeatureService
from matchday.features.tables import TABLES, entity_of
from matchday.features.vectors import stored_name
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.signature import EntityInput
from matchday.tables import name

ROWS = 5
"""Rows of entities that are compared: of pairs of teams, ten teams of twenty."""

Tables = Mapping[str, pd.DataFrame]
"""Feature tables by the name of their view."""


@dataclass(frozen=True)
class VerifiedStore:
    """What was compared and found equal. rows: of entities, such as pairs of teams.

    ahead: values that were not compared: of rows that the lake does not have yet. Those were streamed in; the next
    features that are built of the history have them too.
    """

    rows: int
    values: int
    ahead: int = 0


def verify(
    settings: Settings, lake: Lake, features: str, as_of: datetime, chosen: Iterable[FeatureService] | None = None
) -> VerifiedStore:
    """Compare what feature services (None: every one) read of some rows of entities, which the moment chooses.

    Raises HistoryError when the lake's feature tables are not those of fingerprint `features`, FeatureStoreError that
    names the first value that differs.
    """
    history.expect(lake, features, TABLES)
    whole = {table: lake.read(table) for table in TABLES}
    tables = {name(table): rows[rows["event_time"] <= as_of] for table, rows in whole.items()}
    newest = {name(of): rows.groupby(entity_of(of).join_key)["event_time"].max() for of, rows in whole.items()}
    compared: set[str] = set()
    rows: dict[tuple[EntityInput, ...], pd.DataFrame] = {}
    ahead = values = 0
    for service in services.SERVICES.values() if chosen is None else chosen:
        wanted = list(dict.fromkeys(map(stored_name, service.features)))
        if compared.issuperset(wanted):
            continue
        known = max(tables[view]["event_time"].max() for view in service.views)
        if service.inputs not in rows:
            rows[service.inputs] = _sample(service, tables, as_of)
        asked = rows[service.inputs]
        both = _read_both(settings, lake, service, asked, known)
        for column in wanted:
            if column in compared:
                continue
            side, view, _ = column.split("__", 2)
            last = both[side].map(newest[view])
            online_at = pd.to_datetime(both[f"{column}__ts"], unit="s", utc=True)
            in_lake = (online_at <= last) | (last.isna() & both[column].isna())
            _compare(both.loc[in_lake], column, list(asked.columns))
            ahead += len(both) - int(in_lake.sum())
            values += int(in_lake.sum())
            compared.add(column)
    return VerifiedStore(sum(map(len, rows.values())), values, ahead)


def _read_both(
    settings: Settings, lake: Lake, service: FeatureService, asked: pd.DataFrame, known: pd.Timestamp
) -> pd.DataFrame:
    """What a service gives for rows of entities as of `known`.

    For each value of a row its column, one for its event time (`..__ts`), and the lake's value (`..__offline`).
    """
    offline = historical(service.name, settings, lake, asked.assign(event_timestamp=known))
    with quiet.silence_feast():
        store = open_store(settings, known.to_pydatetime())
        wanted = store.get_feature_service(service.name)
        entities = [dict(zip(map(str, asked.columns), row, strict=True)) for row in asked.itertuples(index=False)]
        read = store.get_online_features(wanted, entities, full_feature_names=True)
        online = read.to_df(include_event_timestamps=True)
    return online.merge(offline, on=list(asked.columns), suffixes=("", "__offline"))


def _sample(service: FeatureService, tables: Tables, as_of: datetime) -> pd.DataFrame:
    """Entities of the season for each input of a service; none is there twice."""
    entities: dict[str, list[str | int]] = {}
    for table in TABLES:
        key, known = entity_of(table).join_key, tables[name(table)]
        if key not in entities:
            entities[key] = sorted(known.loc[known["season"] == known["season"].max(), key].unique().tolist())
            random.Random(as_of.isoformat()).shuffle(entities[key])
    keys = [each.join_key for each in service.inputs]
    count = min(ROWS, *(len(entities[key]) // keys.count(key) for key in keys))
    return pd.DataFrame({each.name: [entities[each.join_key].pop() for _ in range(count)] for each in service.inputs})


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
