"""Rows of the offline store by entity and event time, through Feast's own retrieval.

Whatever the offline store is, and whoever appended to it, a row is found as training would find it.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from feast import FeatureStore

EXACT = timedelta(seconds=1) - timedelta(microseconds=1)
"""How far an event time may lie after the one asked for: online stores keep event times to the second."""

Place = tuple[str | int, datetime]
"""An entity and an event time."""


def exact_rows(
    store: FeatureStore, view: str, features: Iterable[str], places: Collection[Place]
) -> dict[Place, Mapping[str, Any]]:
    """The values of these features in the row that each entity had at its event time; without a row they are missing.

    store: a working store, whose copy of the view gets a TTL of `EXACT`: a row of an earlier time is none.
    """
    found = store.get_feature_view(view)
    key = found.join_keys[0]
    found.ttl = EXACT
    store.apply([found])
    wanted = pd.DataFrame(sorted(set(places), key=repr), columns=[key, "asked"])
    wanted["asked"] = wanted["asked"].astype("datetime64[us, UTC]")
    wanted["event_timestamp"] = wanted["asked"] + EXACT
    names = sorted(set(features))
    rows = store.get_historical_features(wanted, [f"{view}:{name}" for name in names]).to_df()
    return {(row[key], _moment(row["asked"])): {name: row[name] for name in names} for row in rows.to_dict("records")}


def _moment(stamp: pd.Timestamp) -> datetime:
    moment: datetime = stamp.tz_convert(UTC).to_pydatetime()
    return moment
