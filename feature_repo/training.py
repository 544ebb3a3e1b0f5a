"""Training sets: matches, or players' matches, with what happened and their features as known before."""

from datetime import datetime, timedelta

import pandas as pd

from feature_repo.error import FeatureStoreError
from feature_repo.store import working_store
from matchday import history
from matchday.deadlines import market_known_from
from matchday.features.tables import TABLES
from matchday.features.team import FULL_TIME
from matchday.features.vectors import assemble
from matchday.lake import Lake
from matchday.models.kind import ModelKind, Subject
from matchday.models.recipe import Recipe, load_recipe, numbers_of
from matchday.models.skill import results
from matchday.settings import Settings
from matchday.tables import Appearances, Matches, columns, validate

JUST_BEFORE = timedelta(seconds=1)
"""Time before kick-off at which the features of a match are read."""


def training_set(kind: ModelKind, settings: Settings, lake: Lake, features: str, as_of: datetime) -> pd.DataFrame:
    """The training set of a model: all that had ended by `as_of`; Feast joins each row as of its own moment.

    Rows of the table of the model's recipe, which names what it wants: columns of the subject's table, `event_time`
    (the moment), `result`, features and numbers. Raises HistoryError when the lake's feature tables are not those of
    fingerprint `features`, FeatureStoreError when a row lacks a feature that the table does not let be null.
    """
    history.expect(lake, features, TABLES)
    rows = lake.read(Matches if kind.subject is Subject.MATCH else Appearances)
    ended = rows[rows["kickoff"] + FULL_TIME <= as_of]
    if ended.empty:
        first = (rows["kickoff"].min() + FULL_TIME).date()
        raise FeatureStoreError(f"no match had ended by {as_of:%Y-%m-%d}: the history begins on {first}")
    table = load_recipe(kind).table
    return validate(table, match_features(kind, settings, lake, ended)[columns(table)])


def match_features(kind: ModelKind, settings: Settings, lake: Lake, played: pd.DataFrame) -> pd.DataFrame:
    """Finished matches, rows of the subject's table, with their results, features and numbers; no assistant managers.

    Features of a match are read just before kick-off, those of a player's match at the gameweek's deadline.
    """
    recipe, keys = load_recipe(kind), list(kind.subject.keys)
    asked = _asked(kind, lake, played)
    names = [each.name for each in kind.inputs]
    wanted = list(dict.fromkeys([*keys, *names, "event_time"]))
    entities = asked[wanted].rename(columns={"event_time": "event_timestamp"})
    stored = historical(kind, settings, lake, entities).drop(columns=[name for name in names if name not in keys])
    found = asked[keys].merge(stored, on=keys, how="left", validate="1:1")
    vectors = assemble(kind.features, found, asked["kickoff"])
    if (incomplete := vectors[_required(recipe)].isna().any(axis=1)).any():
        raise FeatureStoreError(f"no features for {', '.join(asked.loc[incomplete, 'match_id'].unique()[:5])}")
    numbers = numbers_of(recipe, asked)
    known = asked.drop(columns=[*vectors.columns, *numbers.columns], errors="ignore")
    whole = pd.concat([known.assign(result=results(kind, asked)), vectors, numbers], axis=1)
    return whole.sort_values(["kickoff", *keys], ignore_index=True)


def historical(kind: ModelKind, settings: Settings, lake: Lake, asked: pd.DataFrame) -> pd.DataFrame:
    """The values of a model's feature service for the entities of each row's inputs at its `event_timestamp`.

    Columns are named `home__team_form__points_5`.
    """
    with working_store(settings, lake) as store:
        service = store.get_feature_service(kind.feature_service)
        return store.get_historical_features(asked, service, full_feature_names=True).to_df()


def _asked(kind: ModelKind, lake: Lake, played: pd.DataFrame) -> pd.DataFrame:
    """The rows in a plain order, each with the moment as of which its features are read."""
    if kind.subject is Subject.MATCH:
        rows = played.reset_index(drop=True)
        return rows.assign(event_time=rows["kickoff"] - JUST_BEFORE)
    rows = played[played["position"] != "MNG"].reset_index(drop=True)
    moment = market_known_from(rows, lake.read(Matches)).clip(upper=rows["kickoff"] - JUST_BEFORE)
    return rows.assign(event_time=moment)


def _required(recipe: Recipe) -> list[str]:
    """The features that no row of a training set may lack."""
    nullable = {name for name, column in recipe.table.to_schema().columns.items() if column.nullable}
    return [feature.name for feature in recipe.kind.features if feature.name not in nullable]
