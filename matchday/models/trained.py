"""A trained model on disk: graph, explainer data, and a report of the training."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.features.labels import label
from matchday.features.team import FULL_TIME
from matchday.models.graph import Parity
from matchday.tables.arrow import to_arrow
from matchday.tables.fingerprint import fingerprint

BACKGROUND = 128
"""Feature vectors, spread evenly over the training rows, that explanations compare with."""

GRAPH, REPORT, EXPLAINER = "model.onnx", "training.json", "explainer.json"


@dataclass(frozen=True)
class Trained:
    """A trained model, exported.

    parameters: what it was fitted with. coefficients: fitted numbers worth showing, by name. parity: of graph and
    Python. matches: how many rows it learnt from. trained_until: end of the last match seen, ISO 8601. data:
    fingerprint of the training set.
    """

    graph: bytes
    explainer: Mapping[str, Any]
    parameters: Mapping[str, Any]
    coefficients: Mapping[str, float]
    parity: Parity
    matches: int
    trained_until: str
    data: str

    def save(self, folder: Path) -> None:
        """Write graph, explainer and report as three files."""
        folder.mkdir(parents=True, exist_ok=True)
        rest = {key: value for key, value in asdict(self).items() if key not in ("graph", "explainer")}
        (folder / GRAPH).write_bytes(self.graph)
        (folder / EXPLAINER).write_text(json.dumps(self.explainer), encoding="utf-8")
        (folder / REPORT).write_text(json.dumps(rest, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Trained":
        """Read what `save` wrote."""
        rest = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        rest["parity"] = Parity(**rest["parity"])
        explainer = json.loads((folder / EXPLAINER).read_text(encoding="utf-8"))
        return cls(graph=(folder / GRAPH).read_bytes(), explainer=explainer, **rest)


def trained_until(features: pd.DataFrame) -> str:
    """End of the last match of a training set, ISO 8601."""
    return str((features["kickoff"].max() + FULL_TIME).isoformat())


def data_fingerprint(table: type[DataFrameModel], features: pd.DataFrame) -> str:
    """Fingerprint of a training set, rows of `table`."""
    return fingerprint(to_arrow(table, features))


def explainer(
    features: pd.DataFrame, names: Sequence[str], labels: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """What explanations of a model need: background rows of its columns, and a label of each for people.

    labels: of columns that are not features of teams, such as the numbers of a request. Raises KeyError for a column
    without a label.
    """
    recent = features.sort_values("kickoff").tail(10 * BACKGROUND)
    chosen = recent.iloc[:: max(1, len(recent) // BACKGROUND)].head(BACKGROUND)
    background = chosen[list(names)].to_numpy("float32").astype(float).round(6)
    return {"background": background.tolist(), "labels": {name: labels.get(name) or label(name) for name in names}}
