"""From lake to online store: the last known row of every team."""

from dataclasses import dataclass
from datetime import datetime

from feature_repo import quiet
from feature_repo.definitions import TABLES, TTL
from feature_repo.store import apply, open_store, replaced
from matchday import history
from matchday.lake import Lake
from matchday.settings import Settings


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
    apply(settings, lake)
    with quiet.feast(), replaced(settings.online_store) as online:
        store = open_store(settings, online)
        store.apply([*store.list_feature_views()])
        store.materialize(start_date=as_of - TTL, end_date=as_of)
    return Materialised(as_of, features)
