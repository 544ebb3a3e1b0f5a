"""From lake to online store: the last known row of every team."""

from dataclasses import dataclass
from datetime import datetime

from feature_repo import quiet
from feature_repo.store import FeatureStoreError, current_definitions, open_store, registry_file, replaced
from matchday import history
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.tables import TeamRatings


@dataclass(frozen=True)
class Materialised:
    """What the online store holds. as_of: moment up to which rows were known. features: fingerprint of the tables."""

    as_of: datetime
    features: str


def materialise(settings: Settings, lake: Lake, features: str, as_of: datetime) -> Materialised:
    """Apply the definitions and fill the online store with the rows known before `as_of`, all at once.

    The new store takes the place of the former in one step, so readers never see one view of today beside another
    of yesterday, and going back in time leaves nothing of the later time behind.
    Raises HistoryError when the lake's feature tables are not those of fingerprint `features`.
    """
    history.expect(lake, features, TABLES)
    settings.online_store.parent.mkdir(parents=True, exist_ok=True)
    definitions = current_definitions(settings, lake)
    with quiet.feast(), replaced(registry_file(settings)) as registry, replaced(settings.online_store) as online:
        store = open_store(settings, registry, online)
        store.apply([*definitions.all()])
        store.materialize(start_date=season_start(lake, as_of), end_date=as_of)
    return Materialised(as_of, features)


def season_start(lake: Lake, as_of: datetime) -> datetime:
    """When the season of a moment opened: from then on every team in it has a row, and no other team.

    Raises FeatureStoreError for a moment before the first season.
    """
    rows = lake.read(TeamRatings)
    known = rows[rows["event_time"] <= as_of]
    if known.empty:
        raise FeatureStoreError(f"no features were known at {as_of:%Y-%m-%d}: the history begins later")
    opening: datetime = known.loc[known["season"] == known["season"].max(), "event_time"].min().to_pydatetime()
    return opening
