"""Rows of the offline store by entity and moment, through Feast's own retrieval.

Whatever the offline store is, and whoever appended to it, a row is found as training would find it.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from feast import FeatureStore

EXACT = timedelta(seconds=1) - timedelta(microseconds=1)
"""How far an event time may lie after the one asked for: online stores keep event times to the second."""

EVER = timedelta(0)
"""Feast's TTL of rows that never expire."""

Place = tuple[str | int, datetime]
"""An entity and a moment."""

PlacedRows = dict[Place, Mapping[str, Any]]
"""The values of features by place; None is missing, and all are where there is no row."""


def exact_rows(store: FeatureStore, view: str, features: Iterable[str], places: Collection[Place]) -> PlacedRows:
    """The row that each entity had at its very event time.

    store: a working store; the TTL of its view is changed.
    """
    return _join(store, view, features, places, EXACT, EXACT)


def newest_rows(store: FeatureStore, view: str, features: Iterable[str], places: Collection[Place]) -> PlacedRows:
    """The newest row of each entity at its moment, however old. store: as for `exact_rows`."""
    return _join(store, view, features, places, timedelta(0), EVER)


def _join(
    store: FeatureStore,
    view: str,
    features: Iterable[str],
    places: Collection[Place],
    later: timedelta,
    ttl: timedelta,
) -> PlacedRows:
    """Join so much later than the places say, with another TTL than the view's."""
    found = store.get_feature_view(view)
    key = found.join_keys[0]
    found.ttl = ttl
    store.apply([found])
    wanted = pd.DataFrame(sorted(set(places), key=repr), columns=[key, "asked"])
    wanted["asked"] = wanted["asked"].astype("datetime64[us, UTC]")
    wanted["event_timestamp"] = wanted["asked"] + later
    names = sorted(set(features))
    rows = store.get_historical_features(wanted, [f"{view}:{name}" for name in names]).to_df()
    return {
        (row[key], _moment(row["asked"])): {name: None if pd.isna(row[name]) else row[name] for name in names}
        for row in rows.to_dict("records")
    }


def _moment(stamp: pd.Timestamp) -> datetime:
    moment: datetime = stamp.tz_convert(UTC).to_pydatetime()
    return moment
