"""Feature vectors of players before matches, all as known at the gameweek's deadline.

The values are those that Feast's join of `player_points_v1` gives at the deadline, made from the tables themselves.
"""

from collections.abc import Mapping

import pandas as pd

from matchday.deadlines import deadlines
from matchday.features.services import PLAYER_POINTS, FeatureService
from matchday.features.vectors import assemble, stored_name
from matchday.tables import columns
from matchday.tables.points_features import PointsFeatures

WEEK = ["season", "gameweek"]
ENTITIES = {"player_form": "player", "player_market": "player", "team_form": "team", "team_ratings": "team"}
"""The entity column of each view's table."""


def points_rows(appearances: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of `PointsFeatures` for the rows of `Appearances` that have a gameweek; assistant managers are left out.

    tables: feature tables by the name of their view, of as many clubs and players. Raises ValueError when one of them
    had no row by a deadline.
    """
    rows = appearances[(appearances["position"] != "MNG") & appearances["gameweek"].notna()]
    rows = rows.sort_values(["kickoff", "match_id", "player"], ignore_index=True)
    rows = rows.join(deadlines(rows).rename("event_time"), on=WEEK)
    stored = known_at(rows, tables, PLAYER_POINTS)
    if (missing := stored.isna().any(axis=1)).any():
        first = rows[missing].iloc[0]
        raise ValueError(f"nothing was known of player {first['player']} or a club of {first['match_id']} before it")
    vectors = assemble(PLAYER_POINTS.features, stored, rows["kickoff"]).astype(float)
    keys = rows.drop(columns=["home", "gameweek"]).assign(result=rows["points"])
    wanted = columns(PointsFeatures)
    found = vectors.assign(home=rows["home"].astype(float), **{name: keys[name] for name in wanted if name in keys})
    return found[wanted]


def known_at(rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame], service: FeatureService) -> pd.DataFrame:
    """What each of a service's views said at the `event_time` of rows: a column `player__player_form__missed` each.

    rows: with a column for each of the service's inputs. NaN where an entity had no row by then.
    """
    found: dict[str, pd.Series] = {}
    for side, view in dict.fromkeys((feature.input, feature.view) for feature in service.features):
        entity = ENTITIES[view]
        asked = pd.DataFrame({"event_time": rows["event_time"], entity: rows[side], "place": range(len(rows))})
        table = tables[view].drop(columns="season").sort_values("event_time")
        joined = pd.merge_asof(asked.sort_values("event_time"), table, on="event_time", by=entity)
        joined = joined.sort_values("place", ignore_index=True)
        for feature in service.features:
            if (feature.input, feature.view) == (side, view):
                found[stored_name(feature)] = joined[feature.feature]
    return pd.DataFrame(found)
