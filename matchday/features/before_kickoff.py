"""Feature vectors of matches as known before their kick-offs, joined by pandas. Feast joins those of the lake."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import pandas as pd

from matchday.features.vectors import assemble
from matchday.signature import FeatureRef

JUST_BEFORE = timedelta(seconds=1)
"""Time before kick-off at which the features of a match are read."""


def vectors_before_kickoff(
    features: Sequence[FeatureRef], matches: pd.DataFrame, tables: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Feature vectors, a row for each of `matches` in their order, a column for each of `features`.

    matches: `kickoff`, and `home` and `away` or what else the features' inputs are. tables: feature tables by view.
    """
    matches = matches.reset_index(drop=True)
    return assemble(features, pd.concat(list(_stored(features, matches, tables)), axis=1), matches["kickoff"])


def _stored(
    features: Sequence[FeatureRef], matches: pd.DataFrame, tables: Mapping[str, pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    """For each input and view the newest rows that were known; columns `home__team_form__points_5`."""
    moment = (matches["kickoff"] - JUST_BEFORE).astype("datetime64[us, UTC]")
    for side, view in dict.fromkeys((feature.input, feature.view) for feature in features):
        asked = pd.DataFrame({"event_time": moment, "team": matches[side]})
        asked = asked.sort_values("event_time", kind="stable")
        rows = tables[view].drop(columns="season").sort_values("event_time", kind="stable")
        found = pd.merge_asof(asked, rows, on="event_time", by="team").set_index(asked.index).sort_index()
        yield found.drop(columns=["event_time", "team"]).add_prefix(f"{side}__{view}__")
