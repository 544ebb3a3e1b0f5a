"""Compares features in the online store with those that Feast joins from the lake."""

import random
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from feature_repo import quiet
from feature_repo.error import FeatureStoreError
from feature_repo.store import open_store
from feature_repo.training import historical
from matchday import history
from matchday.features.services import SERVICES
from matchday.features.tables import TABLES
from matchday.features.vectors import stored_name
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.tables import TeamForm, TeamRatings, name

PAIRS = 5
"""Pairs of teams that are compared: ten teams of twenty."""


@dataclass(frozen=True)
class VerifiedStore:
    """What was compared and found equal. ahead: values that were not compared: of rows that the lake does not have yet.

    Those were streamed in; the next features that are built of the history have them too.
    """

    pairs: int
    values: int
    ahead: int = 0


def verify(settings: Settings, lake: Lake, features: str, as_of: datetime) -> VerifiedStore:
    """Compare what every feature service of teams reads of some pairs of teams, which the moment chooses.

    Raises HistoryError when the lake's feature tables are not those of fingerprint `features`, FeatureStoreError that
    names the first value that differs.
    """
    history.expect(lake, features, TABLES)
    pairs, known = _sample(lake, as_of)
    newest = {name(table): lake.read(table).groupby("team")["event_time"].max() for table in TABLES}
    compared: set[str] = set()
    ahead = 0
    for service in SERVICES.values():
        online = _read_online(settings, service.name, pairs, known)
        offline = historical(service.name, settings, lake, pairs.assign(event_timestamp=known))
        both = online.merge(offline, on=["home", "away"], suffixes=("", "__offline"))
        for column in [stored_name(feature) for feature in service.features]:
            if column in compared:
                continue
            side, view, _ = column.split("__")
            in_lake = pd.to_datetime(both[f"{column}__ts"], unit="s", utc=True) <= both[side].map(newest[view])
            _compare(both.loc[in_lake], column)
            ahead += len(both) - int(in_lake.sum())
            compared.add(column)
    return VerifiedStore(len(pairs), len(pairs) * len(compared) - ahead, ahead)


def _read_online(settings: Settings, service: str, pairs: pd.DataFrame, known: pd.Timestamp) -> pd.DataFrame:
    """What a service gives for pairs of teams, a column for each value and one for its event time, `..__ts`."""
    asked = [{"home": str(home), "away": str(away)} for home, away in pairs.itertuples(index=False)]
    with quiet.silence_feast():
        store = open_store(settings, known.to_pydatetime())
        wanted = store.get_feature_service(service)
        read = store.get_online_features(wanted, asked, full_feature_names=True)
        return read.to_df(include_event_timestamps=True)


def _sample(lake: Lake, as_of: datetime) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Pairs of teams of the season, and when the newest of all rows became known.

    Joined as of then, no row is out of date, however long nothing has been played.
    """
    rows = lake.read(TeamRatings)
    rows = rows[rows["event_time"] <= as_of]
    form = lake.read(TeamForm)["event_time"]
    newest = max(rows["event_time"].max(), form[form <= as_of].max())
    teams = sorted(rows.loc[rows["season"] == rows["season"].max(), "team"].unique())
    random.Random(as_of.isoformat()).shuffle(teams)
    count = min(PAIRS, len(teams) // 2)
    return pd.DataFrame({"home": teams[:count], "away": teams[count : 2 * count]}), newest


def _compare(both: pd.DataFrame, column: str) -> None:
    """Raises FeatureStoreError for the first row whose two values differ."""
    online, offline = both[column].to_numpy(float), both[f"{column}__offline"].to_numpy(float)
    wrong = np.flatnonzero(~((online == offline) | (np.isnan(online) & np.isnan(offline))))
    if len(wrong):
        row = both.iloc[wrong[0]]
        raise FeatureStoreError(
            f"the online store has another {column} for {row['home']} - {row['away']} than the lake: "
            f"{online[wrong[0]]} and {offline[wrong[0]]}; run 'matchday pipeline run materialise'"
        )
