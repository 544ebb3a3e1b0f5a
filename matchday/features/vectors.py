"""Feature vectors of matches, assembled from stored features."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.features.rest import days_since
from matchday.signature import DaysSince, FeatureRef


def assemble(features: Sequence[FeatureRef], stored: pd.DataFrame, kickoff: pd.Series) -> pd.DataFrame:
    """Feature vectors, a column for each of `features`, from what the store holds.

    stored: a column `input__view__feature` (`home__team_form__last_kickoff`) for every feature.
    kickoff: of each match, aligned with `stored`.
    """
    seconds = kickoff.astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    columns = {}
    for feature in features:
        values = stored[stored_name(feature)].to_numpy(float)
        columns[feature.name] = values if feature.derived is None else _derive(feature.derived, values, seconds)
    return pd.DataFrame(columns, index=stored.index)


def stored_name(feature: FeatureRef) -> str:
    """The name of a stored feature's column: `home__team_form__last_kickoff`."""
    return f"{feature.input}__{feature.view}__{feature.feature}"


def _derive(derived: DaysSince, stored: NDArray[np.float64], kickoff: NDArray[np.float64]) -> NDArray[np.float64]:
    """The derived feature (n,) of the stored values; kickoff: Unix seconds."""
    pairs = zip(stored.tolist(), kickoff.tolist(), strict=True)
    return np.array([days_since(moment, until, derived.at_most) for moment, until in pairs], np.float64)
