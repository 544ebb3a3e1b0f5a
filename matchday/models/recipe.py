"""How a model is trained and evaluated: the interface that each model's code implements once."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import NamedTuple, Protocol, runtime_checkable

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.backtest import Forecaster
from matchday.models.kind import ModelKind
from matchday.models.trained import Trained


class CardNotes(NamedTuple):
    """Paragraphs of a model card. built: how the model works. weak: where it fails."""

    built: str
    weak: str


class Recipe(Protocol):
    """The code behind a `ModelKind`."""

    @property
    def kind(self) -> ModelKind:
        """The model that it trains."""

    @property
    def table(self) -> type[DataFrameModel]:
        """Schema of its training set: keys and columns of its subject's table, `result`, features and numbers.

        For players' matches `event_time` as well: the deadline, as of which the features are known.
        """

    @property
    def first_season(self) -> str:
        """The first season that it learns from; those before only warm up ratings."""

    def train(self, features: pd.DataFrame) -> Trained:
        """Fit on rows of `table`, export, and prove parity on every row. Raises ParityError, ValueError."""

    def forecasters(self, features: pd.DataFrame) -> Mapping[str, Forecaster]:
        """The model and its baselines by name, to be walked over rows of `table`; the model under its own name."""

    def notes(self, trained: Trained) -> CardNotes:
        """What a model card says of it."""


@runtime_checkable
class NumberRecipe(Protocol):
    """A recipe of a model whose numbers are not all columns of its subject's table."""

    def numbers(self, rows: pd.DataFrame) -> pd.DataFrame:
        """A column for each of the model's numbers, with the index of `rows` of its subject's table."""


def numbers_of(recipe: Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """The numbers that a request would give for rows of the subject's table: a float column for each.

    Those that the recipe makes of the rows, where it is a `NumberRecipe`; else the table's columns of their names.
    """
    made = recipe.numbers(rows) if isinstance(recipe, NumberRecipe) else rows
    return made[[each.name for each in recipe.kind.numbers]].astype("float64")


def load_recipe(kind: ModelKind) -> Recipe:
    """The recipe of a model; imports the libraries that it trains with."""
    recipe: Recipe = resolve_name(kind.entry_point)
    return recipe
