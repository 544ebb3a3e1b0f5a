"""Training and evaluation of `match-outcome`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import pandas as pd

from matchday.backtest import Forecaster
from matchday.models.graph import prove_parity
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.baselines import BASELINES
from matchday.models.match_outcome.candidates import stacking as outcome
from matchday.models.match_outcome.candidates.stacking import MEMBERS, NAMES, FloatArray, Parameters
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.recipe import CardNotes
from matchday.models.trained import Trained, data_fingerprint, explainer, trained_until
from matchday.tables import OutcomeFeatures


@dataclass(frozen=True)
class OutcomeRecipe:
    """Trains `match-outcome` with these hyperparameters."""

    parameters: Parameters = field(default_factory=Parameters)
    kind: ModelKind = MATCH_OUTCOME
    table: type[OutcomeFeatures] = OutcomeFeatures

    @property
    def first_season(self) -> str:
        """The first season that it learns from."""
        return self.parameters.first_season

    def train(self, features: pd.DataFrame) -> Trained:
        """Fit on rows of `OutcomeFeatures`, export, and prove parity on every row. Raises ParityError, ValueError."""
        model = outcome.train(features, self.parameters)
        graph, vectors = export(model), outcome.vectors_of(features)
        weights = zip(MEMBERS, model.pool.weights.tolist(), strict=True)
        return Trained(
            graph=graph,
            explainer=explainer(features, NAMES),
            parameters=asdict(self.parameters),
            coefficients={f"weight_{member}": weight for member, weight in weights},
            parity=prove_parity(graph, self.kind.output.name, vectors, model.predict(vectors)),
            matches=int((features["season"] >= self.first_season).sum()),
            trained_until=trained_until(features),
            data=data_fingerprint(self.table, features),
        )

    def forecasters(self, features: pd.DataFrame) -> Mapping[str, Forecaster]:
        """The model and its baselines. Members forecast held-out seasons once, not at every refit."""
        held_out = outcome.held_out_forecasts(features, self.parameters)

        def forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
            known = held_out[held_out["match_id"].isin(past["match_id"])]
            return outcome.train(past, self.parameters, known).predict(outcome.vectors_of(coming))

        return {self.kind.name: forecast, **BASELINES}

    def notes(self, trained: Trained) -> CardNotes:
        """What the model card says of it."""
        weights = ", ".join(f"{member} {trained.coefficients[f'weight_{member}']:.2f}" for member in MEMBERS)
        return CardNotes(BUILT.format(weights=weights), WEAK)


BUILT = """\
A calibrated log-linear pool of three members: a goals model (time-weighted attack and defence from goals and
expected goals, Dixon-Coles correction), gradient-boosted trees that correct it, and a multinomial logistic
regression on its log-odds and the Elo gap. Weights of the pool: {weights}. It uses no betting odds."""

WEAK = """\
It knows no line-ups, injuries or managers. A team new to the league starts from the prior of promoted teams and
takes some ten matches to be known. It hardly ever makes the draw the favourite; neither does the market. Seasons
before 2022/23 have no expected goals: a stand-in from the fantasy game's threat and creativity fills their place."""

RECIPE = OutcomeRecipe()
