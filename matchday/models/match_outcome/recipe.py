"""Training and evaluation of `match-outcome`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import pandas as pd

from matchday.backtest import Forecaster
from matchday.models.graph import prove_parity
from matchday.models.kind import ModelKind
from matchday.models.match_outcome import settled_goals
from matchday.models.match_outcome.baselines import baselines
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.settled_goals import NAMES, FloatArray, Parameters, vectors_of
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
        """Fit on rows of `OutcomeFeatures`, export, and prove parity on every row.

        Raises ParityError, and ValueError where no row is of a season that it learns from.
        """
        learnt = features["season"] >= self.first_season
        if not learnt.any():
            raise ValueError(f"training needs matches from season {self.first_season} on")
        model = settled_goals.train(features, self.parameters)
        graph, vectors = export(model), vectors_of(features)
        parity = prove_parity(graph, self.kind.output.name, vectors, model.predict(vectors), model.further(vectors))
        return Trained(
            graph=graph,
            explainer=explainer(features, NAMES),
            parameters=asdict(self.parameters),
            coefficients={name: getattr(model, name) for name in ("scored", "conceded", "sharpness", "draw")},
            parity=parity,
            matches=int(learnt.sum()),
            trained_until=trained_until(features),
            data=data_fingerprint(self.table, features),
        )

    def forecasters(self, features: pd.DataFrame) -> Mapping[str, Forecaster]:
        """The model and its baselines."""

        def forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
            return settled_goals.train(past, self.parameters).predict(vectors_of(coming))

        return {self.kind.name: forecast, **baselines(features)}

    def notes(self, trained: Trained) -> CardNotes:
        """What the model card says of it."""
        return CardNotes(BUILT.format(**trained.coefficients), WEAK)


BUILT = """\
A goals model: log rates of both teams' goals are sums of attack, defence and a home edge that moves slowly (and is
another behind closed doors). Attack and defence are the mean of fits with several memories, on goals and expected
goals. A team that has nothing left to play for is settled: it scores {scored:+.3f} and concedes {conceded:+.3f} log
goals more, learnt from past goals. Dixon and Coles' correction gives a grid of scores, whose probabilities of home,
draw and away are calibrated on past matches: sharpness {sharpness:.3f}, draw {draw:+.3f}. Further outputs are the grid
so calibrated and sums of it: more than so many goals, both teams to score, clean sheets. It uses no betting odds."""

WEAK = """\
It knows no line-ups, injuries or managers. A team new to the league starts from the prior of promoted teams and
takes some ten matches to be known. It hardly ever makes the draw the favourite; neither does the market. Seasons
before 2022/23 have no expected goals: a stand-in from the fantasy game's threat and creativity fills their place.
That a team is settled is told by points alone: one that has given up before is not noticed."""

RECIPE = OutcomeRecipe()
