"""Fingerprints of the values that features have: they change when a feature means something else, and only then.

Computed on a pinned slice of the bundled history, so that two versions of a model can tell whether their features
have the same values, however the code that makes them is written.
"""

import hashlib
from collections.abc import Sequence
from math import floor, log10

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.known import vectors_before_kickoff
from matchday.features.player_tables import player_tables
from matchday.features.player_vectors import points_rows
from matchday.features.team import team_tables
from matchday.ratings.xg import XG_PUBLISHED, with_xg
from matchday.signature import FeatureRef
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Availability, Matches, Teams

SEASONS = ("2021", "2122", "2223")
"""No expected goals and no stand-in for them; a stand-in learnt from the season before; expected goals, in the end."""
MATCHES_OF_A_SEASON = 60
"""The first matches of each season; of the last one, which the fingerprints describe, half are the first ones and half
those from the publication of expected goals on. Nobody is settled by then: that rule has tests of its own."""
PLAYERS = ("2526", (33, 34))
"""Season and gameweeks whose players describe the features of players; one of them is double for some clubs."""
TEAM_VIEWS = ("team_form", "team_ratings", "team_strength")
VIEWS = (*TEAM_VIEWS, "player_form", "player_market")
"""Feature views whose values are computed on the slice."""
DIGITS = 5
"""Decimal places behind a feature's leading digit that count: other processors may round later ones differently."""


def feature_values(snapshot: Snapshot, features: Sequence[FeatureRef]) -> dict[str, str]:
    """A fingerprint of eight hexadecimal digits for each feature by name. Raises SnapshotError."""
    vectors = pinned_vectors(snapshot, features)
    return {str(name): fingerprint_values(vectors[name].to_numpy(float)) for name in vectors.columns}


def fingerprint_values(values: NDArray[np.float64]) -> str:
    """Eight hexadecimal digits for the values (n,) of a feature, rounded to `DIGITS`."""
    largest = float(np.abs(values).max())
    places = DIGITS - floor(log10(largest)) if largest > 0 else 0
    rounded = np.round(values, places) + 0.0  # no negative zero
    return hashlib.sha256(rounded.astype("<f8").tobytes()).hexdigest()[:8]


def pinned_vectors(snapshot: Snapshot, features: Sequence[FeatureRef]) -> pd.DataFrame:
    """Feature vectors of the pinned slice's last season, each as known before its kick-off."""
    if any(feature.input == "player" for feature in features):
        return _pinned_players(snapshot, features)
    matches = _slice(snapshot.load(Matches, SEASONS).sort_values(["kickoff", "match_id"]))
    appearances = snapshot.load(Appearances, SEASONS)
    known = appearances[appearances["match_id"].isin(matches["match_id"])]
    tables = team_tables(with_xg(matches, known), snapshot.load(Teams, SEASONS))
    last = matches[matches["season"] == SEASONS[-1]].reset_index(drop=True)
    return vectors_before_kickoff(features, last, dict(zip(TEAM_VIEWS, tables, strict=True)))


def _pinned_players(snapshot: Snapshot, features: Sequence[FeatureRef]) -> pd.DataFrame:
    """Feature vectors of the players of the gameweeks `PLAYERS`, each as known at its deadline."""
    season, weeks = PLAYERS
    appearances = snapshot.load(Appearances, [str(int(season) - 101), season])
    appearances = appearances[appearances["gameweek"].le(max(weeks)) | appearances["season"].ne(season)]
    matches = snapshot.load(Matches, sorted(appearances["season"].unique()))
    matches = matches[matches["match_id"].isin(appearances["match_id"])]
    teams = snapshot.load(Teams, sorted(appearances["season"].unique()))
    of_teams = team_tables(with_xg(matches, appearances), teams)
    of_players = player_tables(appearances, teams, snapshot.load(Availability))
    tables = dict(zip(VIEWS, (*of_teams, *of_players), strict=True))
    rows = points_rows(appearances, tables)
    last = rows[(rows["season"] == season) & rows["gameweek"].isin(weeks)].reset_index(drop=True)
    return last[[feature.name for feature in features]]


def _slice(matches: pd.DataFrame) -> pd.DataFrame:
    """The pinned matches of all that there are, in order of kick-off."""
    last = matches["season"] == SEASONS[-1]
    published = last & (matches["kickoff"] >= XG_PUBLISHED)
    half = MATCHES_OF_A_SEASON // 2
    parts = [matches[~last].groupby("season").head(MATCHES_OF_A_SEASON)]
    return pd.concat([*parts, matches[last & ~published].head(half), matches[published].head(half)])
