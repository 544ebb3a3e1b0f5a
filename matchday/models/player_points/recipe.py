"""Training and evaluation of `player-points`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from matchday.backtest import Forecaster
from matchday.models.graph import prove_parity
from matchday.models.kind import ModelKind
from matchday.models.player_points import model as points
from matchday.models.player_points.baselines import baselines
from matchday.models.player_points.distribution import FloatArray
from matchday.models.player_points.export import export
from matchday.models.player_points.inputs import NAMES, vectors_of
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.models.player_points.model import FIRST_SEASON, PointsModel
from matchday.models.recipe import CardNotes
from matchday.models.trained import Trained, data_fingerprint, explainer, trained_until
from matchday.tables.points_features import PointsFeatures

FLAGS = ("never_flagged", "chance_0", "chance_25", "chance_50", "chance_75", "chance_100")


@dataclass(frozen=True)
class PointsRecipe:
    """Trains `player-points`."""

    kind: ModelKind = PLAYER_POINTS
    table: type[PointsFeatures] = PointsFeatures
    first_season: str = FIRST_SEASON

    def train(self, features: pd.DataFrame) -> Trained:
        """Fit on rows of `PointsFeatures`, export, and prove parity on every row. Raises ParityError, ValueError."""
        model = points.fit(features)
        graph, vectors = export(model), vectors_of(features)
        forecast = model.predict(vectors)
        further = {"quantiles": forecast.quantiles.astype(float), "minutes": forecast.minutes}
        return Trained(
            graph=graph,
            explainer=explainer(features, NAMES),
            parameters=_parameters(),
            coefficients=_coefficients(model),
            parity=prove_parity(graph, self.kind.output.name, vectors, forecast.points, further),
            matches=int((features["season"] >= points.first_learnt(str(features["season"].max()))).sum()),
            trained_until=trained_until(features),
            data=data_fingerprint(self.table, features),
        )

    def forecasters(self, features: pd.DataFrame) -> Mapping[str, Forecaster]:
        """The model and its baselines."""
        return {self.kind.name: _forecast, **baselines(features)}

    def notes(self, trained: Trained) -> CardNotes:
        """What the model card says of it."""
        return CardNotes(BUILT, WEAK.format(**trained.coefficients))


def _forecast(past: pd.DataFrame, coming: pd.DataFrame, /) -> FloatArray:
    season = str(coming["season"].max())
    return points.fit(past, season).predict(vectors_of(coming)).points


def _parameters() -> dict[str, object]:
    boosters = {
        "plays": points.PLAYS,
        "lasts": points.LASTS,
        "some_points": points.SOME_POINTS,
        "full_points": points.FULL_POINTS,
        "direct": points.DIRECT,
    }
    sizes = {f"{name}_{key}": value for name, each in boosters.items() for key, value in asdict(each).items()}
    shared = {"minutes_seasons": points.MINUTES_SEASONS, "points_seasons": points.POINTS_SEASONS}
    return {**sizes, **shared, "direct_share": points.DIRECT_SHARE}


def _coefficients(model: PointsModel) -> dict[str, float]:
    flags = {f"ratio_{name}": float(one) for name, one in zip(FLAGS, model.ratios[1:], strict=True)}
    ahead = np.arange(1, len(model.ageing.slopes))
    return {**flags, **{f"odds_kept_after_{week}_weeks": float(model.ageing.slopes[week]) for week in ahead}}


BUILT = """\
Minutes first, then points. Boosted trees forecast whether a player plays, and whether he then plays 60 minutes, from
what he did, from price, ownership and transfers at the gameweek's deadline, and from both clubs' ratings. Others
forecast his points given each; half of the mean is that of a booster that knows of no minutes. Fitness flags, where
they were recorded, multiply the chance of playing. Points for defending, which the game has given since 2025/26, are
the player's own rate, pulled towards his position's. The distribution tilts what players of his position scored
before, so that it has the forecast mean."""

WEAK = """\
It knows no line-ups and no news but the flags. Points of a match scatter far more than their means differ. For later
weeks it grows less sure who plays: after four weeks {odds_kept_after_4_weeks:.2f} of the log odds are left; it foresees
no transfer and no injury. A player new to the league is described by his price and his buyers alone."""

RECIPE = PointsRecipe()
