"""A small model of players' matches, as code and graph: numbers of the request, further outputs, players and clubs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pandera.pandas as pa
import pytest
from onnx import TensorProto, helper, numpy_helper
from pandera.typing.pandas import Series

from matchday.backtest import Forecaster
from matchday.features.entities import PLAYER, TEAM
from matchday.features.services import FeatureService
from matchday.models import catalogue
from matchday.models.kind import GateRules, ModelKind, ModelOutput, PairedScore, ReplayRows, Subject
from matchday.models.recipe import CardNotes
from matchday.models.trained import Trained
from matchday.signature import FeatureRef, FurtherOutput, NumberInput
from matchday.tables.table import MATCH_ID, SEASON, Moment, Table
from matchday.tables.table import TEAM as TEAM_NAME

NAME = "player-saves"
FEATURES = (
    FeatureRef("player_points", "player", "player_form", "points_90"),
    FeatureRef("player_matches", "player", "player_form", "matches", "int64"),
    FeatureRef("player_price", "player", "player_market", "price", "int64"),
    FeatureRef("opponent_attack", "opponent", "team_ratings", "attack"),
)
HOME = NumberInput("home", 0, 1, "1 at home, 0 away")
POSITION = NumberInput("position_number", 0, 3, "0 goalkeeper, 1 defender, 2 midfielder, 3 forward")
SPREAD = FurtherOutput("spread", (3,), "three numbers around the forecast")
TWICE = FurtherOutput("twice", (), "the forecast twice")
INPUTS = (PLAYER.named("player"), TEAM.named("team"), TEAM.named("opponent"))
SERVICE = FeatureService("player_saves_v1", "Features of player-saves.", INPUTS, FEATURES)
WEIGHTS = np.array([0.5, 0.01, 0.1, -1.0, 0.75, 0.25])
"""Of the four features, home, and position; a missing feature counts as 0."""


def squared(forecast: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Squared error of each row."""
    return np.square(np.reshape(forecast, len(result)) - result)


def scores(forecast: np.ndarray, result: np.ndarray) -> dict[str, float]:
    return {"matches": len(result), "mse": float(squared(forecast, result).mean())}


def points_of(points: np.ndarray) -> np.ndarray:
    return np.asarray(points, np.int64)


KIND = ModelKind(
    name=NAME,
    about="Points of a player in a Premier League match.",
    inputs=INPUTS,
    distinct=("team", "opponent"),
    feature_service=SERVICE.name,
    features=FEATURES,
    output=ModelOutput("points"),
    result=points_of,
    score=PairedScore("mse", "mean squared error", "lower is better", squared, margin=0.01),
    scores=scores,
    baselines=("nothing",),
    gate=GateRules(100, ("nothing",)),
    entry_point="tests.kinds:RECIPE",
    replay=ReplayRows.PLAYERS,
    numbers=(HOME, POSITION),
    further=(SPREAD, TWICE),
    subject=Subject.APPEARANCE,
    result_of=("points",),
)


class SavesFeatures(Table):
    """Rows of players' matches as known at the deadline. Key: match_id, player. Sorted by kickoff, then the key."""

    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    player: Series[int]
    season: Series[str] = pa.Field(str_matches=SEASON)
    kickoff: Series[Moment]
    event_time: Series[Moment]
    team: Series[str] = pa.Field(str_matches=TEAM_NAME)
    opponent: Series[str] = pa.Field(str_matches=TEAM_NAME)
    result: Series[int]
    player_points: Series[float] = pa.Field(nullable=True)
    player_matches: Series[float] = pa.Field(nullable=True)
    player_price: Series[float]
    opponent_attack: Series[float]
    home: Series[float] = pa.Field(ge=0, le=1)
    position_number: Series[float] = pa.Field(ge=0, le=3)

    class Config(Table.Config):
        unique = ["match_id", "player"]  # noqa: RUF012
        metadata = {"sorted_by": ["kickoff", "match_id", "player"]}  # noqa: RUF012


@dataclass(frozen=True)
class SavesRecipe:
    """Trains nothing: the weights are given."""

    kind: ModelKind = KIND
    table: type[SavesFeatures] = SavesFeatures
    first_season: str = "1617"

    def numbers(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`home` is a column of the table; the position as a number is not."""
        return rows[["home"]].assign(position_number=rows["position"].map({"GK": 0, "DEF": 1, "MID": 2, "FWD": 3}))

    def train(self, features: pd.DataFrame) -> Trained:
        raise NotImplementedError

    def forecasters(self, features: pd.DataFrame) -> Mapping[str, Forecaster]:
        del features
        return {NAME: lambda past, coming: by_hand(coming), "nothing": lambda past, coming: np.zeros(len(coming))}

    def notes(self, trained: Trained) -> CardNotes:
        raise NotImplementedError


RECIPE = SavesRecipe()


def by_hand(rows: pd.DataFrame | np.ndarray) -> np.ndarray:
    """The forecast of feature vectors, (n, 6) in the order of the kind's names."""
    values = rows[list(KIND.feature_names)].to_numpy(float) if isinstance(rows, pd.DataFrame) else rows
    return np.asarray(np.nan_to_num(values) @ WEIGHTS)


def graph(spread: float = 1.0) -> bytes:
    """The forecast, `spread` below, at and above it, and twice the forecast. With an infinite spread none is finite."""
    constants: dict[str, Any] = {
        "weights": WEIGHTS[:, None].astype(np.float32),
        "zero": np.zeros(1, np.float32),
        "around": np.array([[-spread, 0.0, spread]], np.float32),
        "two": np.array(2, np.float32),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("IsNaN", ["features"], ["gaps"]),
        helper.make_node("Where", ["gaps", "zero", "features"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["column"]),
        helper.make_node("Squeeze", ["column", "axis"], ["points"]),
        helper.make_node("Add", ["column", "around"], ["spread"]),
        helper.make_node("Mul", ["points", "two"], ["twice"]),
    ]
    shapes: dict[str, list[str | int]] = {"points": ["n"], "spread": ["n", 3], "twice": ["n"]}
    made = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(WEIGHTS)])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def add_to_catalogue(monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
    """Let the catalogue, and modules that read it, know the model beside the others."""
    known = {**catalogue.KINDS, NAME: KIND}
    for module in (catalogue, *modules):
        monkeypatch.setattr(module, "KINDS", known)
