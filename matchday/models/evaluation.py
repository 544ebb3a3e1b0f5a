"""`match-outcome` and its baselines, walked forward over the latest seasons."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from matchday.backtest import Walk, walk_forward
from matchday.models import outcome
from matchday.models.baselines import BASELINES
from matchday.models.outcome import FloatArray, Parameters

SEASONS = 3
"""How many of the latest seasons are walked."""
LEARNT_FROM = 2
"""Seasons that the first walked season must have before it."""


@dataclass(frozen=True)
class Evaluation:
    """Walks over the same matches by the name of the forecaster, the model's own under `match-outcome`."""

    walks: dict[str, Walk]

    @property
    def model(self) -> Walk:
        """The walk of `match-outcome`."""
        return self.walks[outcome.MODEL]

    def scoreboard(self) -> pd.DataFrame:
        """Mean scores: one row a forecaster, best RPS first; column `forecaster`, then the scores."""
        rows = [{"forecaster": name, **walk.score().as_dict()} for name, walk in self.walks.items()]
        return pd.DataFrame(rows).sort_values("rps", ignore_index=True)

    def by_season(self) -> pd.DataFrame:
        """Scores of the model: one row a season."""
        seasons = sorted(self.model.forecasts["season"].unique())
        return pd.DataFrame([{"season": season, **self.model.score(season).as_dict()} for season in seasons])

    def save(self, path: Path) -> None:
        """Write all forecasts as one Parquet file, with a column `forecaster`."""
        parts = [walk.forecasts.assign(forecaster=name) for name, walk in self.walks.items()]
        pd.concat(parts, ignore_index=True).to_parquet(path, index=False)

    @classmethod
    def load(cls, path: Path) -> "Evaluation":
        """What `save` wrote."""
        rows = pd.read_parquet(path)
        groups = rows.groupby("forecaster", sort=False)
        return cls({str(name): Walk(part.drop(columns="forecaster").reset_index(drop=True)) for name, part in groups})


def evaluate(
    features: pd.DataFrame,
    parameters: Parameters | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Walk the model and its baselines over the latest seasons of `OutcomeFeatures`.

    Raises ValueError when fewer than `LEARNT_FROM` seasons lie before the first that could be walked.
    """
    parameters = parameters or Parameters()
    known = sorted(season for season in features["season"].unique() if season >= parameters.first_season)
    seasons = known[LEARNT_FROM:][-SEASONS:]
    if not seasons:
        raise ValueError(f"walk-forward needs {LEARNT_FROM} seasons to learn from since {parameters.first_season}")
    held_out = outcome.held_out_forecasts(features, parameters)

    def model(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        told = held_out[held_out["match_id"].isin(past["match_id"])]
        return outcome.train(past, parameters, told).predict(outcome.vectors_of(coming))

    walks = {outcome.MODEL: walk_forward(features, model, seasons, progress=progress)}
    walks |= {name: walk_forward(features, baseline, seasons) for name, baseline in BASELINES.items()}
    return Evaluation(walks)
