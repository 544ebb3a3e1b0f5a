"""What feature tables said at given moments, joined by pandas; Feast joins the tables of the lake."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import pandas as pd

from matchday.features.entities import ENTITIES
from matchday.features.vectors import assemble
from matchday.signature import FeatureRef

JUST_BEFORE = timedelta(seconds=1)
"""Time before kick-off at which the features of a match are read."""

Tables = Mapping[str, pd.DataFrame]
"""Feature tables by the name of their view."""


def vectors_before_kickoff(features: Sequence[FeatureRef], matches: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Feature vectors of matches as known just before kick-off: `known_vectors`."""
    return known_vectors(features, matches.assign(event_time=matches["kickoff"] - JUST_BEFORE), tables)


def known_vectors(features: Sequence[FeatureRef], rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Feature vectors as known at each row's `event_time`: a row for each in their order, a column for each feature.

    rows: with `event_time`, `kickoff`, and a column for each input of the features. NaN where an entity had no row yet.
    """
    rows = rows.reset_index(drop=True)
    return assemble(features, pd.concat(list(_stored(features, rows, tables)), axis=1), rows["kickoff"])


def _stored(features: Sequence[FeatureRef], rows: pd.DataFrame, tables: Tables) -> Iterator[pd.DataFrame]:
    """For each input and view the newest rows that were known; columns `home__team_form__points_5`."""
    moment = rows["event_time"].astype("datetime64[us, UTC]")
    for name, view in dict.fromkeys((feature.input, feature.view) for feature in features):
        entity = next(key.join_key for key in reversed(ENTITIES) if key.join_key in tables[view])
        fields = [each.feature for each in features if (each.input, each.view) == (name, view)]
        asked = pd.DataFrame({"event_time": moment, entity: rows[name]}).sort_values("event_time", kind="stable")
        table = tables[view][["event_time", entity, *fields]].sort_values("event_time", kind="stable")
        found = pd.merge_asof(asked, table, on="event_time", by=entity).set_index(asked.index).sort_index()
        yield found[fields].add_prefix(f"{name}__{view}__")
