"""The servers that ours is measured beside read the same signature as ours."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving.peers.lookup import columns_of
from benchmarks.serving.peers.outcome import Outcome
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.settled_goals import SettledGoals
from matchday.models.packaging import describe
from tests.league import WITH_FORM


@pytest.mark.parametrize("kind", [MATCH_OUTCOME, WITH_FORM], ids=lambda kind: kind.feature_service)
def test_peers_find_every_column_in_a_bundles_signature(kind: ModelKind) -> None:
    signature = describe(kind, "f00d", "2026-04-01")
    columns = columns_of(signature.to_json())
    assert [name for name, _ in columns] == [f"{ref.input}__{ref.view}__{ref.feature}" for ref in signature.features]
    assert [at_most for _, at_most in columns] == [ref.derived and ref.derived.at_most for ref in signature.features]


def test_the_peer_in_python_forecasts_what_the_model_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = SettledGoals(scored=-0.05, conceded=0.16, sharpness=1.08, draw=-0.03)
    (tmp_path / "model.json").write_text(json.dumps(asdict(model)))
    (tmp_path / "signature.json").write_text(json.dumps(describe(MATCH_OUTCOME, "f00d", "2026-04-01").to_json()))
    monkeypatch.setenv("BENCH_PYTHON", str(tmp_path / "model.json"))
    monkeypatch.setenv("BENCH_BUNDLE", str(tmp_path))
    vectors = np.random.default_rng(1).normal(0, 0.3, (20, len(MATCH_OUTCOME.feature_names))).astype(np.float32)
    assert Outcome().predict(vectors) == pytest.approx(model.predict(vectors))
