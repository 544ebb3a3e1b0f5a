"""A bundle becomes a model only when its graph is what its signature says."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matchday.bundle import BundleError, write_bundle
from serving.endpoint import Endpoint
from serving.features.store import Row, Rows
from serving.model import Model, ModelError, load
from serving.protocol.errors import NotFinite, Unavailable
from serving.protocol.tensor import Tensor
from serving.protocol.v2 import InferenceRequest
from tests.serving.conftest import FEATURES, graph, probabilities, signature
from tests.serving.graphs import network


def test_a_bundle_gives_what_its_graph_gives(bundle: Path) -> None:
    model = load(bundle, "12")
    rows = np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)
    assert np.allclose(model.predict(rows), probabilities(rows), atol=1e-6)
    assert model.version == "12"
    assert load(bundle).version == "unregistered"


def test_a_graph_of_another_shape_or_name_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "narrow", graph(columns=5), signature(), {}, "")
    with pytest.raises(ModelError, match=r"its signature says features FP32 \[n, 6\]"):
        load(tmp_path / "narrow")
    write_bundle(tmp_path / "other", graph(output="odds"), signature(), {}, "")
    with pytest.raises(ModelError, match="gives odds, not probabilities"):
        load(tmp_path / "other")
    write_bundle(tmp_path / "two", graph(), signature(classes=["H", "A"]), {}, "")
    with pytest.raises(ModelError, match=r"gives shape \(2, 3\)|gives shape \(1, 3\)"):
        load(tmp_path / "two")
    write_bundle(tmp_path / "noise", b"no graph", signature(), {}, "")
    with pytest.raises(ModelError, match="no graph that ONNX Runtime can run"):
        load(tmp_path / "noise")


def test_an_altered_bundle_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", graph(), signature(), {}, "")
    file = tmp_path / "b" / "model.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BundleError, match="altered or truncated"):
        load(tmp_path / "b")


class DictionaryStore:
    """An online store in a dictionary."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    async def read(self, join_key: str, keys: object, views: object) -> Rows:
        return Rows({place: row for place, row in self.rows.items() if place[1] in list(keys)})  # type: ignore[call-overload]

    async def keys(self, join_key: str, views: object) -> list[str | int]:
        return sorted({key for _, key in self.rows}, key=str)

    def close(self) -> None: ...


def full(**changes: Row) -> Rows:
    rows = {}
    for team in ("ARS", "LIV"):
        rows["team_ratings", team] = Row({"elo": 1.0}, 0.0, 0.0)
        rows["team_form", team] = Row({"points": 1.0, "last_kickoff": 0}, 0.0, 0.0)
    return rows | {("team_form", team): row for team, row in changes.items()}


def test_ready_needs_one_entity_with_every_feature(bundle: Path) -> None:
    model = load(bundle)
    asyncio.run(Endpoint(model, DictionaryStore(full())).check_ready())
    half = Row({"points": None, "last_kickoff": 0}, 0.0, 0.0)
    asyncio.run(Endpoint(model, DictionaryStore(full(ARS=half))).check_ready())
    with pytest.raises(Unavailable, match="every feature of match_outcome_v1: team_form:points missing"):
        asyncio.run(Endpoint(model, DictionaryStore(full(ARS=half, LIV=half))).check_ready())
    with pytest.raises(Unavailable, match="knows no team"):
        asyncio.run(Endpoint(model, DictionaryStore({})).check_ready())


def test_a_model_without_a_finite_answer_names_the_missing_features(bundle: Path) -> None:
    class Strict(Model):
        def predict(self, features: np.ndarray) -> np.ndarray:
            raise NotFinite("match-outcome", [0], len(features))

    loaded = load(bundle)
    model = Strict(**{field.name: getattr(loaded, field.name) for field in dataclasses.fields(loaded)})
    half = Row({"points": None, "last_kickoff": 0}, 0.0, 0.0)
    inputs = {name: Tensor(name, "BYTES", (1,), [team]) for name, team in (("home", "ARS"), ("away", "LIV"))}
    with pytest.raises(Unavailable, match=r"no finite .* row 0: 1 missing in the online store \(home_points\)"):
        asyncio.run(Endpoint(model, DictionaryStore(full(ARS=half))).infer(InferenceRequest(inputs)))


def test_an_answer_from_expired_features_says_how_many(bundle: Path) -> None:
    def parameters(kickoff: str, **ttls: float) -> Any:
        named = {"home": "ARS", "away": "LIV", "kickoff": kickoff}
        inputs = {name: Tensor(name, "BYTES", (1,), [text]) for name, text in named.items()}
        endpoint = Endpoint(load(bundle), DictionaryStore(full()), ttls=ttls)
        return asyncio.run(endpoint.infer(InferenceRequest(inputs))).parameters

    assert "expired_features" not in parameters("1970-05-01T00:00:00Z")
    assert parameters("1970-05-01T00:00:01Z")["expired_features"] == 6
    assert parameters("1970-01-02T00:00:00Z", team_form=3600.0)["expired_features"] == 4
    assert parameters("1970-05-01T00:00:01Z")["missing_features"] == 0


def test_features_of_the_fixture_are_those_of_the_signature(bundle: Path) -> None:
    assert list(load(bundle).signature.features) == FEATURES


def resident() -> int:
    """Bytes of this process in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) * 1024


def test_batch_sizes_do_not_stay_in_memory(tmp_path: Path) -> None:
    """Layers of 1,024 numbers a row: a copy for every size would be two gigabytes."""
    weights = np.random.default_rng(1).normal(size=(6, 1024)) / 100
    write_bundle(tmp_path / "wide", network(6, 3, weights=weights, output="probabilities"), signature(), {}, "")
    model = load(tmp_path / "wide")
    rows = np.ones((1024, 6), np.float32)
    model.predict(rows)
    before = resident()
    for size in range(1, len(rows) + 1):
        model.predict(rows[:size])
    assert resident() - before < 64 * 2**20
