"""The feature vector of a match: its columns in order, and how it is assembled from stored features."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.rest import LONGEST_REST, days_since
from matchday.features.team import FORM, RATINGS
from matchday.signature import DaysSince, FeatureRef

SHARED = ("level", "home_edge", "low_score")
"""Ratings that are the same for all teams, read from the home team's row."""
PER_TEAM = tuple(name for name in RATINGS if name not in SHARED)


def _side(side: str) -> list[FeatureRef]:
    ratings = [FeatureRef(f"{side}_{name}", side, "team_ratings", name) for name in PER_TEAM]
    form = [FeatureRef(f"{side}_{name}", side, "team_form", name) for name in FORM]
    rest = FeatureRef(f"{side}_rest_days", side, "team_form", "last_kickoff", "int64", DaysSince(LONGEST_REST))
    return [*ratings, *form, rest]


FEATURES: tuple[FeatureRef, ...] = (
    *(FeatureRef(f"league_{name}", "home", "team_ratings", name) for name in SHARED),
    *_side("home"),
    *_side("away"),
)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
POSITION = {name: position for position, name in enumerate(NAMES)}


def assemble(stored: pd.DataFrame, kickoff: pd.Series) -> pd.DataFrame:
    """Feature vectors, columns `NAMES`, from what the store holds.

    stored: a column `input__view__feature` (`home__team_form__last_kickoff`) for every feature.
    kickoff: of each match, aligned with `stored`.
    """
    seconds = kickoff.astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    columns = {}
    for feature in FEATURES:
        values = stored[f"{feature.input}__{feature.view}__{feature.feature}"].to_numpy(float)
        columns[feature.name] = values if feature.derived is None else _derive(feature.derived, values, seconds)
    return pd.DataFrame(columns, index=stored.index)


def _derive(derived: DaysSince, stored: NDArray[np.float64], kickoff: NDArray[np.float64]) -> NDArray[np.float64]:
    """The derived feature (n,) of the stored values; kickoff: Unix seconds."""
    pairs = zip(stored.tolist(), kickoff.tolist(), strict=True)
    return np.array([days_since(moment, until, derived.at_most) for moment, until in pairs], np.float64)
