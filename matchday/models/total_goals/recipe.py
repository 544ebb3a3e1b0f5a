"""Training and evaluation of `total-goals`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from matchday.backtest import Forecaster
from matchday.models.graph import prove_parity
from matchday.models.kind import ModelKind
from matchday.models.recipe import CardNotes
from matchday.models.total_goals.baselines import BASELINES
from matchday.models.total_goals.export import export
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.models.total_goals.model import FIRST_SEASON, NAMES, FloatArray, fit, vectors_of
from matchday.models.trained import Trained, data_fingerprint, explainer, trained_until
from matchday.tables import GoalsFeatures


@dataclass(frozen=True)
class TotalGoalsRecipe:
    """Trains `total-goals`."""

    kind: ModelKind = TOTAL_GOALS
    table: type[GoalsFeatures] = GoalsFeatures
    first_season: str = FIRST_SEASON

    def train(self, features: pd.DataFrame) -> Trained:
        """Fit on rows of `GoalsFeatures`, export, and prove parity on every row. Raises ParityError, ValueError."""
        model = fit(features)
        graph, vectors = export(model), vectors_of(features)
        return Trained(
            graph=graph,
            explainer=explainer(features, NAMES),
            parameters={"first_season": FIRST_SEASON},
            coefficients=asdict(model),
            parity=prove_parity(graph, self.kind.output.name, vectors, model.predict(vectors)),
            matches=int((features["season"] >= FIRST_SEASON).sum()),
            trained_until=trained_until(features),
            data=data_fingerprint(self.table, features),
        )

    def forecasters(self, features: pd.DataFrame) -> Mapping[str, Forecaster]:
        """The model and its baselines."""
        del features
        return {self.kind.name: _forecast, **BASELINES}

    def notes(self, trained: Trained) -> CardNotes:
        """What the model card says of it."""
        return CardNotes(BUILT.format(**trained.coefficients), WEAK)


def _forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    return fit(past).predict(vectors_of(coming))


BUILT = """\
The goal rates of both teams by the goals model (time-weighted attack and defence from goals and expected goals), added,
and recalibrated by a Poisson regression on their logarithm: shift {shift:+.3f}, slope {slope:.3f}. It uses no betting
odds."""

WEAK = """\
It knows no line-ups, injuries or managers. Goals of single matches scatter far more than their means differ, so it
explains about two percent of the deviance. A season that turns out richer or poorer in goals than those before is
noticed after some weeks."""

RECIPE = TotalGoalsRecipe()
