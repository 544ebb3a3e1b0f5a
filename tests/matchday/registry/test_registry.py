"""What is registered is whole, found again, and handed out as it was: on SQLite and on a real server."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from matchday.bundle import BundleError, read_bundle, verify_bundle, write_bundle
from matchday.registry import ModelVersion, Registry, RegistryError
from matchday.registry.client import client_class
from matchday.signature import FeatureRef
from tests.services.mlflow_server import mlflow_server
from tests.signatures import match_signature

TAGS = {"git_commit": "0123abc", "fingerprint": "f00d"}
METRICS = {"rps": 0.1981, "log_loss": 0.9764}


@pytest.fixture(scope="module")
def virgin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that was made and never used."""
    folder = tmp_path_factory.mktemp("virgin")
    assert Registry(f"sqlite:///{folder / 'mlflow.db'}").models() == []
    return folder / "mlflow.db"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server for the tests of this file."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture
def embedded(virgin: Path, tmp_path: Path) -> Registry:
    """A registry of its own on SQLite."""
    (tmp_path / "mlflow").mkdir()
    shutil.copy(virgin, tmp_path / "mlflow" / "mlflow.db")
    return Registry(f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}")


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.services)])
def registry(request: pytest.FixtureRequest) -> Registry:
    """The registry in both of its sizes."""
    if request.param == "sqlite":
        return request.getfixturevalue("embedded")
    return Registry(request.getfixturevalue("server"))


@pytest.fixture
def model() -> str:
    """A model name no other test uses: the server is shared."""
    return f"match-outcome-{uuid4().hex[:8]}"


@pytest.fixture
def bundle(tmp_path: Path, model: str) -> Path:
    """A bundle as training writes it."""
    return make_bundle(tmp_path / "bundle", model, b"graph")


def make_bundle(folder: Path, model: str, graph: bytes) -> Path:
    """Write a small bundle."""
    features = [FeatureRef("home_elo", "home", "team_ratings", "elo")]
    signature = match_signature(features, model=model, fingerprint="f00d", trained_until="2026-05-24T15:00:00+00:00")
    write_bundle(folder, graph, signature, {"baseline": [0.5]}, "# Card\n")
    return folder


def log(registry: Registry, folder: Path, model: str, **changes: object) -> ModelVersion:
    """Register a bundle with usual params, metrics and tags."""
    given = {"params": {"decay": 0.006, "trials": 50}, "metrics": METRICS, "tags": TAGS} | changes
    return registry.log_run("match-outcome", bundle_folder=folder, model=model, **given)


def test_what_is_registered_is_found_resolved_and_handed_out_as_it_was(
    registry: Registry, model: str, bundle: Path, tmp_path: Path
) -> None:
    made = log(registry, bundle, model)
    assert (made.name, made.version, made.uri) == (model, "1", f"mlflow://{model}/1")
    assert registry.find(model, TAGS) == registry.resolve(made.uri) == made
    assert registry.metrics(model, "1") == METRICS
    assert TAGS.items() <= registry.tags(model, "1").items()
    assert registry.tags(model, "1")["feature_service"] == "match_outcome_v1"
    signature = registry.download(made.uri, tmp_path / "served")
    assert verify_bundle(tmp_path / "served") == signature == replace(verify_bundle(bundle), version="1")
    assert read_bundle(tmp_path / "served").onnx == b"graph"


def test_the_pages_of_mlflow_have_what_a_person_looks_for(registry: Registry, model: str, bundle: Path) -> None:
    made = log(registry, bundle, model)
    client = registry._client
    run = client.get_run(made.run_id)
    version = client.get_model_version(model, "1")
    assert run.info.run_name == f"{model} until 2026-05-24"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"decay": "0.006", "trials": "50"}
    assert run.data.tags["mlflow.note.content"] == version.description == "# Card\n"
    assert run.data.tags["mlflow.source.git.commit"] == "0123abc"
    assert version.source == f"{run.info.artifact_uri}/bundle"
    assert sorted(item.path for item in client.list_artifacts(made.run_id, "bundle")) == [
        f"bundle/{name}" for name in sorted(path.name for path in bundle.iterdir())
    ]


def test_the_same_content_is_registered_once_and_any_change_is_a_new_version(
    registry: Registry, model: str, bundle: Path, tmp_path: Path
) -> None:
    first = log(registry, bundle, model)
    assert log(registry, bundle, model) == first
    assert log(registry, bundle, model, tags=TAGS | {"git_commit": "other"}) == first
    changed = [
        log(registry, bundle, model, metrics=METRICS | {"rps": 0.2}),
        log(registry, bundle, model, params={}),
        log(registry, bundle, model, tags=TAGS | {"data_fingerprint": "other"}),
        log(registry, make_bundle(tmp_path / "other", model, b"other graph"), model),
    ]
    assert [version.version for version in changed] == ["2", "3", "4", "5"]
    assert [version.version for version in registry.versions(model)] == ["5", "4", "3", "2", "1"]


def test_an_alias_moves_and_what_it_means_moves_with_it(registry: Registry, model: str, bundle: Path) -> None:
    one, two = log(registry, bundle, model), log(registry, bundle, model, params={"trials": 1})
    assert registry.at_alias(model, "champion") is None
    for version in (one, two, one):
        registry.set_alias(model, "champion", version.version)
        assert registry.resolve(f"mlflow://{model}@champion") == version == registry.at_alias(model, "champion")
    assert registry.aliases(model) == {"champion": "1"}
    assert registry.versions(model)[1].aliases == ("champion",)


def test_a_promoted_challenger_is_the_champion_and_no_challenger(registry: Registry, model: str, bundle: Path) -> None:
    one, two = log(registry, bundle, model), log(registry, bundle, model, params={"trials": 1})
    registry.set_alias(model, "challenger", two.version)
    registry.promote(model, one.version)
    assert registry.aliases(model) == {"champion": "1", "challenger": "2"}
    registry.promote(model, two.version)
    assert registry.aliases(model) == {"champion": "2"}


def test_what_is_not_there_is_an_error_that_says_what_is(registry: Registry, model: str, bundle: Path) -> None:
    with pytest.raises(RegistryError, match=f"no model {model}"):
        registry.resolve(f"mlflow://{model}@champion")
    assert registry.find(model, {}) is None
    assert registry.at_alias(model, "champion") is None
    log(registry, bundle, model)
    registry.set_alias(model, "champion", "1")
    with pytest.raises(RegistryError, match=rf"no model nobody in MLflow .* knows: .*{model}"):
        registry.resolve("mlflow://nobody/1")
    with pytest.raises(RegistryError, match=f"{model} has no version 7; its latest: 1"):
        registry.resolve(f"mlflow://{model}/7")
    with pytest.raises(RegistryError, match=f"{model} has no alias king; its aliases: champion"):
        registry.resolve(f"mlflow://{model}@king")
    with pytest.raises(RegistryError, match="has no version 7"):
        registry.set_alias(model, "champion", "7")
    assert registry.aliases(model) == {"champion": "1"}


@pytest.mark.parametrize(
    "uri", ["match-outcome/1", "mlflow://", "mlflow://m", "mlflow://m/x", "mlflow://m/1/2", "mlflow://a'b/1"]
)
def test_what_is_no_model_uri_is_refused(uri: str) -> None:
    with pytest.raises(RegistryError, match="is no model URI"):
        Registry("sqlite:///never-opened.db").resolve(uri)


# Faults


@pytest.mark.parametrize("step", ["create_model_version", "create_registered_model"])
def test_a_run_cut_off_before_it_is_registered_is_finished_by_the_next(
    registry: Registry, model: str, bundle: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    logged = cut_off(registry, step, model, bundle, monkeypatch)
    assert registry.versions(model) == []
    made = log(registry, bundle, model)
    assert [run.info.run_id for run in runs(registry, model)] == [made.run_id]
    assert made.run_id == logged[0]
    assert made.version == "1"


@pytest.mark.parametrize("step", ["log_batch", "log_artifacts", "set_terminated"])
def test_a_run_cut_off_while_it_is_logged_is_ignored_by_the_next(
    registry: Registry, model: str, bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    logged = cut_off(registry, step, model, bundle, monkeypatch)
    assert registry.versions(model) == []
    made = log(registry, bundle, model)
    assert made.run_id not in logged
    assert len(runs(registry, model)) == 2
    assert registry.download(made.uri, tmp_path / "served").version == "1"


def cut_off(registry: Registry, step: str, model: str, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Die at a step of registering; the ids of the runs that are left."""

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry._client, step, die)
        with pytest.raises(KeyboardInterrupt):
            log(registry, bundle, model)
    return [run.info.run_id for run in runs(registry, model)]


def runs(registry: Registry, model: str) -> list:
    """All runs of a model."""
    experiment = registry._client.get_experiment_by_name("match-outcome")
    return list(
        registry._client.search_runs([experiment.experiment_id], f"attributes.run_name LIKE '{model}%'", max_results=50)
    )


def test_an_artifact_altered_in_the_store_is_never_handed_out(
    embedded: Registry, model: str, bundle: Path, tmp_path: Path
) -> None:
    made = log(embedded, bundle, model)
    stored = tmp_path / "mlflow" / "artifacts" / made.run_id / "artifacts" / "bundle"
    (stored / "model.onnx").write_bytes(b"grapf")
    with pytest.raises(RegistryError, match=rf"{made.uri} damaged: .*model\.onnx"):
        embedded.download(made.uri, tmp_path / "served")
    make_bundle(stored, model, b"forged, with sums that fit")
    with pytest.raises(RegistryError, match="another bundle"):
        embedded.download(made.uri, tmp_path / "served")
    shutil.rmtree(stored)
    with pytest.raises(RegistryError, match=made.uri):
        embedded.download(made.uri, tmp_path / "served")
    assert not (tmp_path / "served").exists()


def test_a_damaged_bundle_or_one_of_another_model_is_not_registered(
    embedded: Registry, model: str, bundle: Path
) -> None:
    with pytest.raises(RegistryError, match=f"of {model}.* as player-points"):
        log(embedded, bundle, "player-points")
    with pytest.raises(RegistryError, match="metric rps is nan"):
        log(embedded, bundle, model, metrics={"rps": float("nan")})
    (bundle / "model.onnx").write_bytes(b"")
    with pytest.raises(BundleError, match=r"model\.onnx"):
        log(embedded, bundle, model)
    assert embedded.models() == []


def test_more_params_than_one_call_of_mlflow_takes(registry: Registry, model: str, bundle: Path) -> None:
    params = {f"p{number}": number for number in range(250)}
    made = log(registry, bundle, model, params=params)
    assert len(registry._client.get_run(made.run_id).data.params) == 250


def test_a_server_that_is_not_there_is_said_in_one_line_without_its_password() -> None:
    began = time.perf_counter()
    with pytest.raises(RegistryError) as failure:
        Registry("http://me:hunter2@127.0.0.1:9").models()
    assert time.perf_counter() - began < 30
    assert "MLflow at http://127.0.0.1:9 could not list its models: no answer" in str(failure.value)
    assert "hunter2" not in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("shopping list: eggs")
    with pytest.raises(RegistryError, match=r"mlflow\.db is no SQLite database"):
        Registry(f"sqlite:///{tmp_path / 'mlflow.db'}").models()
    assert (tmp_path / "mlflow.db").read_text() == "shopping list: eggs"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(RegistryError, match=r"cannot make the registry .*home"):
        Registry(f"sqlite:///{tmp_path / 'home' / 'mlflow' / 'mlflow.db'}").models()


@pytest.mark.slow
def test_a_first_start_killed_half_way_is_made_good_by_the_next(tmp_path: Path) -> None:
    """Kill the making of the database at its worst moment: tables are there, but not all."""
    code = """
import os, sys
import sqlalchemy.event, sqlalchemy
from matchday.registry import Registry
@sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
def die(conn, cursor, statement, *_):
    if "_alembic_tmp" in statement and "INSERT" in statement:
        os._exit(9)
Registry(sys.argv[1]).models()
"""
    uri = f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}"
    killed = subprocess.run([sys.executable, "-c", code, uri], env=os.environ, check=False)
    assert killed.returncode == 9
    assert not (tmp_path / "mlflow" / "mlflow.db").exists()
    assert Registry(uri).models() == []
    with sqlite3.connect(tmp_path / "mlflow" / "mlflow.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_it_is_silent_writes_nothing_beside_its_folder_and_sends_no_usage(
    tmp_path: Path, bundle: Path, model: str
) -> None:
    code = """
import json, sys
from matchday.registry import Registry
import sys
assert "mlflow" not in sys.modules
registry = Registry(sys.argv[1])
registry.log_run("match-outcome", {}, {"rps": 0.2}, {}, sys.argv[2], sys.argv[3])
registry.promote(sys.argv[3], "1")
registry.download(f"mlflow://{sys.argv[3]}@champion", "served")
from mlflow.telemetry import get_telemetry_client
assert get_telemetry_client() is None
"""
    work = tmp_path / "work"
    work.mkdir()
    uri = f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}"
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "CI", "MLFLOW"))}
    environ["PYTHONPATH"] = str(Path.cwd())
    done = subprocess.run(
        [sys.executable, "-c", code, uri, str(bundle), model],
        cwd=work,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in work.iterdir()] == ["served"]


def test_a_bundle_comes_through_the_server_whose_bucket_may_be_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself, MLflow's client would go to the bucket by an address that only the server may reach."""
    monkeypatch.delenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", raising=False)
    client_class()
    from mlflow.environment_variables import MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD as DIRECT

    assert (DIRECT.is_set(), DIRECT.get()) == (True, False)
