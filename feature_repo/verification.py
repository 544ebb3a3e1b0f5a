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
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
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


def verify(
    settings: Settings, lake: Lake, features: str, as_of: datetime, kind: ModelKind = MATCH_OUTCOME
) -> VerifiedStore:
    """Compare the features of some pairs of teams, which the moment chooses.

    Raises HistoryError when the lake's feature tables are not those of fingerprint `features`, FeatureStoreError that
    names the first value that differs.
    """
    history.expect(lake, features, TABLES)
    pairs, known = _sample(lake, as_of)
    offline = historical(kind, settings, lake, pairs.assign(event_timestamp=known))
    with quiet.silence_feast():
        store = open_store(settings, known.to_pydatetime())
        asked = [{"home": str(home), "away": str(away)} for home, away in pairs.itertuples(index=False)]
        service = store.get_feature_service(kind.feature_service)
        read = store.get_online_features(service, asked, full_feature_names=True)
    online = read.to_df(include_event_timestamps=True)
    columns = [column for column in read.to_dict() if column not in ("home", "away")]
    both = online.merge(offline, on=["home", "away"], suffixes=("", "__offline"))
    newest = {name(table): lake.read(table).groupby("team")["event_time"].max() for table in TABLES}
    ahead = 0
    for column in columns:
        side, view, _ = column.split("__", 2)
        in_lake = pd.to_datetime(both[f"{column}__ts"], unit="s", utc=True) <= both[side].map(newest[view])
        _compare(both.loc[in_lake], column)
        ahead += len(both) - int(in_lake.sum())
    return VerifiedStore(len(pairs), len(pairs) * len(columns) - ahead, ahead)


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
