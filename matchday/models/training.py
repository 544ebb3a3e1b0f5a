"""Training `match-outcome` to a graph on disk."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from matchday.features.fixture import NAMES
from matchday.features.labels import label
from matchday.features.team import FULL_TIME
from matchday.models import outcome
from matchday.models.export import Parity, export, prove_parity
from matchday.models.outcome import MEMBERS, Parameters
from matchday.tables import OutcomeFeatures
from matchday.tables.arrow import to_arrow
from matchday.tables.fingerprint import fingerprint

BACKGROUND = 128
"""Feature vectors, spread evenly over the training matches, that explanations compare with."""

GRAPH, REPORT, EXPLAINER = "model.onnx", "training.json", "explainer.json"


@dataclass(frozen=True)
class Trained:
    """A trained model, exported. trained_until: end of the last match seen, ISO 8601. data: its fingerprint."""

    graph: bytes
    explainer: Mapping[str, Any]
    parameters: Parameters
    weights: Mapping[str, float]
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
        """What `save` wrote."""
        rest = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        rest["parameters"] = Parameters(**rest["parameters"])
        rest["parity"] = Parity(**rest["parity"])
        explainer = json.loads((folder / EXPLAINER).read_text(encoding="utf-8"))
        return cls(graph=(folder / GRAPH).read_bytes(), explainer=explainer, **rest)


def train(features: pd.DataFrame, parameters: Parameters | None = None) -> Trained:
    """Fit on rows of `OutcomeFeatures`, export, and prove parity on every row. Raises ParityError, ValueError."""
    parameters = parameters or Parameters()
    model = outcome.train(features, parameters)
    graph = export(model)
    vectors = outcome.vectors_of(features)
    return Trained(
        graph=graph,
        explainer=_explainer(features),
        parameters=parameters,
        weights=dict(zip(MEMBERS, model.pool.weights.tolist(), strict=True)),
        parity=prove_parity(model, graph, vectors),
        matches=int((features["season"] >= parameters.first_season).sum()),
        trained_until=(features["kickoff"].max() + FULL_TIME).isoformat(),
        data=fingerprint(to_arrow(OutcomeFeatures, features)),
    )


def _explainer(features: pd.DataFrame) -> dict[str, Any]:
    recent = features.sort_values("kickoff").tail(10 * BACKGROUND)
    chosen = recent.iloc[:: max(1, len(recent) // BACKGROUND)].head(BACKGROUND)
    return {
        "background": outcome.vectors_of(chosen).astype(float).round(6).tolist(),
        "labels": {name: label(name) for name in NAMES},
    }
