"""Fingerprints of the values that features have: they change when a feature means something else, and only then.

Computed on a pinned slice of the bundled history, so that two versions of a model can tell whether their features
have the same values, however the code that makes them is written.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from math import floor, log10

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.team import team_tables
from matchday.features.vectors import assemble
from matchday.ratings.xg import XG_PUBLISHED, with_xg
from matchday.signature import FeatureRef
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams

SEASONS = ("2021", "2122", "2223")
"""No expected goals and no stand-in for them; a stand-in learnt from the season before; expected goals, in the end."""
MATCHES_OF_A_SEASON = 60
"""The first matches of each season; of the last one, which the fingerprints describe, half are the first ones and half
those from the publication of expected goals on."""
VIEWS = ("team_form", "team_ratings")
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
    matches = _slice(snapshot.load(Matches, SEASONS).sort_values(["kickoff", "match_id"]))
    appearances = snapshot.load(Appearances, SEASONS)
    known = appearances[appearances["match_id"].isin(matches["match_id"])]
    form, ratings = team_tables(with_xg(matches, known), snapshot.load(Teams, SEASONS))
    last = matches[matches["season"] == SEASONS[-1]].reset_index(drop=True)
    stored = [
        _known_before(last, side, view, table)
        for side in ("home", "away")
        for view, table in zip(VIEWS, (form, ratings), strict=True)
    ]
    return assemble(features, pd.concat(stored, axis=1), last["kickoff"])


def _slice(matches: pd.DataFrame) -> pd.DataFrame:
    """The pinned matches of all that there are, in order of kick-off."""
    last = matches["season"] == SEASONS[-1]
    published = last & (matches["kickoff"] >= XG_PUBLISHED)
    half = MATCHES_OF_A_SEASON // 2
    parts = [matches[~last].groupby("season").head(MATCHES_OF_A_SEASON)]
    return pd.concat([*parts, matches[last & ~published].head(half), matches[published].head(half)])


def _known_before(matches: pd.DataFrame, side: str, view: str, table: pd.DataFrame) -> pd.DataFrame:
    """The row of a team table that was known before each match; columns `home__team_form__points_5`."""
    moment = (matches["kickoff"] - timedelta(seconds=1)).astype("datetime64[us, UTC]")
    asked = pd.DataFrame({"event_time": moment, "team": matches[side]})
    rows = table.drop(columns="season").sort_values("event_time")
    found = pd.merge_asof(asked, rows, on="event_time", by="team")
    return found.drop(columns=["event_time", "team"]).add_prefix(f"{side}__{view}__")
