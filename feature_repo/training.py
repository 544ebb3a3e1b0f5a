"""Training sets: matches with their results and their features as known just before kick-off."""

from datetime import datetime

import numpy as np
import pandas as pd

from feature_repo.error import FeatureStoreError
from feature_repo.store import working_store
from matchday import history
from matchday.features.before_kickoff import JUST_BEFORE
from matchday.features.tables import TABLES
from matchday.features.team import FULL_TIME
from matchday.features.vectors import assemble
from matchday.lake import Lake
from matchday.models.kind import ModelKind
from matchday.models.recipe import load_recipe
from matchday.settings import Settings
from matchday.tables import Matches, validate


def training_set(kind: ModelKind, settings: Settings, lake: Lake, features: str, as_of: datetime) -> pd.DataFrame:
    """The training set of a model: all matches that had ended by `as_of`; Feast joins each as of its kick-off.

    Rows of the table of the model's recipe. Raises HistoryError when the lake's feature tables are not those of
    fingerprint `features`, FeatureStoreError when a match has no features.
    """
    history.expect(lake, features, TABLES)
    matches = lake.read(Matches)
    ended = matches[matches["kickoff"] + FULL_TIME <= as_of]
    if ended.empty:
        first = (matches["kickoff"].min() + FULL_TIME).date()
        raise FeatureStoreError(f"no match had ended by {as_of:%Y-%m-%d}: the history begins on {first}")
    return validate(load_recipe(kind).table, match_features(kind, settings, lake, ended))


def match_features(kind: ModelKind, settings: Settings, lake: Lake, matches: pd.DataFrame) -> pd.DataFrame:
    """The features of finished matches, rows of `Matches`, with their results."""
    matches = matches.reset_index(drop=True)
    asked = matches[["match_id", "season", "kickoff", "home", "away"]]
    asked = asked.assign(event_timestamp=asked["kickoff"] - JUST_BEFORE)
    stored = (
        historical(kind.feature_service, settings, lake, asked)
        .set_index("match_id")
        .loc[asked["match_id"]]
        .reset_index()
    )
    vectors = assemble(kind.features, stored, asked["kickoff"])
    if (incomplete := vectors.isna().any(axis=1)).any():
        raise FeatureStoreError(f"no features for {', '.join(asked.loc[incomplete, 'match_id'].head())}")
    said = {column: matches[column].to_numpy(np.int64) for column in kind.result_of}
    keys = asked.rename(columns={"event_timestamp": "event_time"}).assign(**said, result=kind.result(*said.values()))
    return keys.join(vectors).sort_values(["kickoff", "match_id"], ignore_index=True)


def historical(service: str, settings: Settings, lake: Lake, asked: pd.DataFrame) -> pd.DataFrame:
    """The values of a feature service for each row's `home`, `away` at its `event_timestamp`.

    Columns are named `home__team_form__points_5`.
    """
    with working_store(settings, lake) as store:
        wanted = store.get_feature_service(service)
        return store.get_historical_features(asked, wanted, full_feature_names=True).to_df()
