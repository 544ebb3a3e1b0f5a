"""Fingerprints of the values that features have: they change when a feature means something else, and only then.

Computed on a pinned slice of the bundled history, so that two versions of a model can tell whether their features
have the same values, however the code that makes them is written.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from math import floor, log10

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.deadlines import market_known_from
from matchday.features.player_form import player_form
from matchday.features.player_market import player_market
from matchday.features.tables import entity_of, features_of
from matchday.features.team import team_tables
from matchday.features.vectors import assemble
from matchday.ratings.xg import XG_PUBLISHED, with_xg
from matchday.signature import FeatureRef
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, TeamForm, TeamRatings, Teams, columns
from matchday.tables.player_form import PlayerForm
from matchday.tables.player_market import PlayerMarket

SEASONS = ("2021", "2122", "2223")
"""No expected goals and no stand-in for them; a stand-in learnt from the season before; expected goals, in the end."""
MATCHES_OF_A_SEASON = 60
"""The first matches of each season; of the last one, which the fingerprints describe, half are the first ones and half
those from the publication of expected goals on."""
VIEWS = {"team_form": TeamForm, "team_ratings": TeamRatings, "player_form": PlayerForm, "player_market": PlayerMarket}
"""Feature views whose values are computed on the slice, and their tables."""
JUST_BEFORE = timedelta(seconds=1)
"""Time before kick-off at which the features of a match are read."""
DIGITS = 5
"""Decimal places behind a feature's leading digit that count: other processors may round later ones differently."""


def feature_values(snapshot: Snapshot, features: Sequence[FeatureRef]) -> dict[str, str]:
    """A fingerprint of eight hexadecimal digits for each feature by name. Raises SnapshotError."""
    vectors = pinned_vectors(snapshot, features)
    return {str(name): fingerprint_values(vectors[name].to_numpy(float)) for name in vectors.columns}


def fingerprint_values(values: NDArray[np.float64]) -> str:
    """Eight hexadecimal digits for the values (n,) of a feature, NaN where missing, rounded to `DIGITS`."""
    largest = float(np.abs(values[~np.isnan(values)]).max(initial=0))
    places = DIGITS - floor(log10(largest)) if largest > 0 else 0
    rounded = np.where(np.isnan(values), np.nan, np.round(values, places) + 0.0)  # no negative zero, one kind of NaN
    return hashlib.sha256(rounded.astype("<f8").tobytes()).hexdigest()[:8]


def pinned_vectors(snapshot: Snapshot, features: Sequence[FeatureRef]) -> pd.DataFrame:
    """Feature vectors of the pinned slice's last season, each as known before its kick-off.

    Features of players are those of each player of a match, as known at the gameweek's deadline.
    """
    matches = _slice(snapshot.load(Matches, SEASONS).sort_values(["kickoff", "match_id"]))
    appearances = snapshot.load(Appearances, SEASONS)
    known = appearances[appearances["match_id"].isin(matches["match_id"])]
    asked = _asked(features, matches, known)
    tables = _tables(features, matches, known, snapshot.load(Teams, SEASONS))
    sources = dict.fromkeys((feature.input, feature.view) for feature in features)
    stored = [_known_by(asked, name, view, tables[view]) for name, view in sources]
    return assemble(features, pd.concat(stored, axis=1), asked["kickoff"])


def _asked(features: Sequence[FeatureRef], matches: pd.DataFrame, appearances: pd.DataFrame) -> pd.DataFrame:
    """The rows to describe, of matches or of appearances, with the `moment` as of which each is described."""
    if {feature.input for feature in features} <= set(columns(Matches)):
        last = matches[matches["season"] == SEASONS[-1]].reset_index(drop=True)
        return last.assign(moment=(last["kickoff"] - JUST_BEFORE).astype("datetime64[us, UTC]"))
    last = appearances[(appearances["season"] == SEASONS[-1]) & (appearances["position"] != "MNG")]
    last = last.sort_values(["kickoff", "match_id", "player"], ignore_index=True)
    return last.assign(moment=market_known_from(last, matches))


def _tables(
    features: Sequence[FeatureRef], matches: pd.DataFrame, appearances: pd.DataFrame, teams: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """The feature tables of the slice by view; those of players only where they are read."""
    form, ratings = team_tables(with_xg(matches, appearances), teams)
    found = {"team_form": form, "team_ratings": ratings}
    wanted = {feature.view for feature in features}
    made: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
        "player_form": player_form,
        "player_market": player_market,
    }
    return found | {view: make(appearances) for view, make in made.items() if view in wanted}


def _slice(matches: pd.DataFrame) -> pd.DataFrame:
    """The pinned matches of all that there are, in order of kick-off."""
    last = matches["season"] == SEASONS[-1]
    published = last & (matches["kickoff"] >= XG_PUBLISHED)
    half = MATCHES_OF_A_SEASON // 2
    parts = [matches[~last].groupby("season").head(MATCHES_OF_A_SEASON)]
    return pd.concat([*parts, matches[last & ~published].head(half), matches[published].head(half)])


def _known_by(rows: pd.DataFrame, name: str, view: str, table: pd.DataFrame) -> pd.DataFrame:
    """The row of a feature table that was known by each row's `moment`; columns `home__team_form__points_5`."""
    entity = entity_of(VIEWS[view]).join_key
    asked = pd.DataFrame({"moment": rows["moment"], entity: rows[name], "place": range(len(rows))})
    known = table[[entity, "event_time", *features_of(VIEWS[view])]].sort_values("event_time", kind="stable")
    found = pd.merge_asof(asked.sort_values("moment"), known, left_on="moment", right_on="event_time", by=entity)
    found = found.sort_values("place", ignore_index=True)
    return found.drop(columns=["moment", "place", "event_time", entity]).add_prefix(f"{name}__{view}__")
