"""The feature vector of a match: the columns of `match_outcome_v1`, in order."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.rest import DAY, LONGEST_REST
from matchday.features.team import FORM, RATINGS
from matchday.signature import FeatureRef

SERVICE = "match_outcome_v1"

SHARED = ("level", "home_edge", "low_score")
"""Ratings that are the same for all teams, read from the home team's row."""
PER_TEAM = tuple(name for name in RATINGS if name not in SHARED)


def _side(entity: str) -> list[FeatureRef]:
    ratings = [FeatureRef(f"{entity}_{name}", entity, "team_ratings", name) for name in PER_TEAM]
    form = [FeatureRef(f"{entity}_{name}", entity, "team_form", name) for name in FORM]
    rest = FeatureRef(
        f"{entity}_rest_days",
        entity,
        "team_form",
        "last_kickoff",
        dtype="int64",
        transform="days_before_kickoff",
    )
    return [*ratings, *form, rest]


FEATURES: tuple[FeatureRef, ...] = (
    *(FeatureRef(f"league_{name}", "home", "team_ratings", name) for name in SHARED),
    *_side("home"),
    *_side("away"),
)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
POSITION = {name: position for position, name in enumerate(NAMES)}


def days_before_kickoff(last_kickoff: NDArray[np.float64], kickoff: NDArray[np.float64]) -> NDArray[np.float64]:
    """Days of rest, 0 to 14, from Unix seconds of the last kick-off and of the one to come; all shapes (n,)."""
    return np.clip((kickoff - last_kickoff) / DAY, 0.0, LONGEST_REST)


def assemble(stored: pd.DataFrame, kickoff: pd.Series) -> pd.DataFrame:
    """Feature vectors, columns `NAMES`, from what the store holds.

    stored: a column `entity__view__feature` (`home__team_form__last_kickoff`) for every feature.
    kickoff: of each match, aligned with `stored`.
    """
    seconds = kickoff.astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    columns = {}
    for feature in FEATURES:
        value = stored[f"{feature.entity}__{feature.view}__{feature.feature}"].to_numpy(float)
        columns[feature.name] = days_before_kickoff(value, seconds) if feature.transform else value
    return pd.DataFrame(columns, index=stored.index)
