"""Materialisation: copies the last known row of every team and player from the lake to the online store."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from feature_repo.error import FeatureStoreError
from feature_repo.lineage import check_definitions
from feature_repo.refill import refill
from feature_repo.store import apply, working_store
from feature_repo.window import Window
from matchday import history
from matchday.features.entities import PLAYER, TTL_SECONDS
from matchday.features.tables import TABLES, entity_of
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.tables import TeamRatings, name


@dataclass(frozen=True)
class Materialised:
    """Content of the online store. as_of: rows known up to this moment. features: fingerprint of the feature tables."""

    as_of: datetime
    features: str


def materialise(settings: Settings, lake: Lake, features: str, as_of: datetime) -> Materialised:
    """Fill the online store with the rows known before `as_of`, and apply the definitions.

    Rows of teams are those of the season, so that no team of another one has a row. Rows of players are all that are
    not out of date: what a player did in May is what is known of him in August.
    All rows are replaced in one step: a reader never sees one view of today beside another of yesterday, and after
    materialising an earlier `as_of` no later row is left. Rows that were streamed in until `as_of` and are newer than
    the lake's stay.
    Raises FeatureVersionError when a published service has changed, HistoryError when the lake's feature tables are not
    those of fingerprint `features`, FeatureStoreError when the online store cannot be written.
    """
    check_definitions(settings)
    history.expect(lake, features, TABLES)
    opening = season_start(lake, as_of)
    with refill(settings, Window.between(opening, as_of)) as rows, working_store(settings, lake, rows) as store:
        store.materialize(start_date=opening, end_date=as_of)
        if players := [name(table) for table in TABLES if entity_of(table) == PLAYER]:
            valid = as_of - timedelta(seconds=TTL_SECONDS)
            store.materialize(start_date=valid, end_date=as_of, feature_views=players)
    apply(settings, lake)
    return Materialised(as_of, features)


def season_start(lake: Lake, as_of: datetime) -> datetime:
    """Start of the season that a moment falls into: since then every team of the season has a row, and no other team.

    Raises FeatureStoreError for a moment before the first season.
    """
    rows = lake.read(TeamRatings)
    known = rows[rows["event_time"] <= as_of]
    if known.empty:
        raise FeatureStoreError(f"no features were known at {as_of:%Y-%m-%d}: the history begins later")
    opening: datetime = known.loc[known["season"] == known["season"].max(), "event_time"].min().to_pydatetime()
    return opening
