"""A model and its baselines, walked forward over the latest seasons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from matchday.backtest import Walk, walk_forward
from matchday.errors import MatchdayError
from matchday.models.kind import IntArray, ModelKind
from matchday.models.recipe import Recipe
from matchday.scores.confusion import confusion

SEASONS = 3
"""How many of the latest seasons are walked."""
LEARNT_FROM = 2
"""Seasons that the first walked season must have before it."""


class EvaluationError(MatchdayError):
    """A file of forecasts that is not of the model that it was read for."""


@dataclass(frozen=True)
class Evaluation:
    """Walks over the same rows by the name of the forecaster, the model's own under its name."""

    kind: ModelKind
    walks: Mapping[str, Walk]

    @property
    def own(self) -> Walk:
        """The walk of the model itself."""
        return self.walks[self.kind.name]

    def scores(self, forecaster: str | None = None, season: str | None = None) -> dict[str, float]:
        """Mean scores of a forecaster (default: the model), on all rows or on a season's."""
        walk = self.walks[forecaster or self.kind.name]
        chosen = walk.in_season(season) if season else walk
        return self.kind.scores(chosen.numbers, chosen.results)

    def summary(self) -> str:
        """The model's scores in one line for people, the one that versions are compared by first."""
        scores, own = self.scores(), self.kind.score
        others = ", ".join(
            f"{name.replace('_', ' ')} {scores[name]:.4f}" for name in scores if name not in (own.name, "matches")
        )
        return f"{own.title} {scores[own.name]:.4f}, {others} on {scores['matches']:,} {self.kind.subject.plural}"

    def scoreboard(self) -> pd.DataFrame:
        """Mean scores: one row for each forecaster, best first; column `forecaster`, then the scores."""
        rows = [{"forecaster": name, **self.scores(name)} for name in self.walks]
        return pd.DataFrame(rows).sort_values(self.kind.score.name, ignore_index=True)

    def by_season(self) -> pd.DataFrame:
        """Scores of the model: one row for each season."""
        seasons = sorted(self.own.forecasts["season"].unique())
        return pd.DataFrame([{"season": season, **self.scores(season=season)} for season in seasons])

    def confusion(self) -> IntArray:
        """Counts (c, c) of what happened, down, by what was most probable, across, in the order of the classes."""
        return confusion(self.own.numbers, self.own.results)

    def save(self, path: Path) -> None:
        """Write all forecasts as one Parquet file, with a column `forecaster`."""
        parts = [walk.forecasts.assign(forecaster=name) for name, walk in self.walks.items()]
        pd.concat(parts, ignore_index=True).to_parquet(path, index=False)

    @classmethod
    def load(cls, kind: ModelKind, path: Path) -> "Evaluation":
        """Read what `save` wrote. Raises EvaluationError when it is of another model."""
        rows = pd.read_parquet(path)
        if lacking := {"forecaster", *kind.output.columns} - set(rows.columns):
            raise EvaluationError(
                f"{path.name} holds no forecasts of {kind.name}: it lacks {', '.join(sorted(lacking))}"
            )
        walks = {
            str(name): Walk(part.drop(columns="forecaster").reset_index(drop=True), kind.output.columns)
            for name, part in rows.groupby("forecaster", sort=False)
        }
        if kind.name not in walks:
            raise EvaluationError(f"{path.name} holds no forecasts of {kind.name}, but of {', '.join(sorted(walks))}")
        return cls(kind, walks)


def evaluate(recipe: Recipe, features: pd.DataFrame, progress: Callable[[int, int], None] | None = None) -> Evaluation:
    """Walk a model and its baselines over the latest seasons of a training set.

    progress is called with (rows done, rows in all) of the model's own walk. Raises ValueError when fewer than
    `LEARNT_FROM` seasons lie before the first that could be walked.
    """
    kind = recipe.kind
    known = sorted(season for season in features["season"].unique() if season >= recipe.first_season)
    seasons = known[LEARNT_FROM:][-SEASONS:]
    if not seasons:
        raise ValueError(f"walk-forward needs {LEARNT_FROM} seasons to learn from since {recipe.first_season}")
    walks = {}
    for name, forecaster in recipe.forecasters(features).items():
        told = progress if name == kind.name else None
        walks[name] = walk_forward(
            features,
            forecaster,
            kind.output.columns,
            seasons,
            progress=told,
            keys=kind.subject.keys,
            moment=kind.subject.moment,
        )
    return Evaluation(kind, walks)
