"""The registry as on a cluster: PostgreSQL, a bucket, and a server that asks who you are and hands out artifacts."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from matchday.bucket import ensure
from matchday.bundle import read_bundle, write_bundle
from matchday.registry import Registry, RegistryError
from matchday.registry.database import migrate
from serving.storage import FetchError, fetch, open_registry
from tests.services.mlflow_server import mlflow_server
from tests.services.postgres import PostgresServer, postgres  # noqa: F401
from tests.services.s3 import s3_endpoint  # noqa: F401
from tests.serving.conftest import graph, signature

pytestmark = pytest.mark.services

NAME, PASSWORD = "matchday", "a-long-p@ss:word%1"
MODEL = "match-outcome"


@pytest.fixture(scope="module")
def server(postgres: PostgresServer, s3_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    """As on a cluster: database and bucket made ready by us, the bucket's keys known to the server alone."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as rest:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in {**keys, "AWS_ENDPOINT_URL": s3_endpoint}.items():
            patch.setenv(name, value)
        assert ensure("artifacts", 5)
        database = postgres.database()
        assert not migrate(database, 30).unchanged
        folder, admin = tmp_path_factory.mktemp("mlflow"), (NAME, PASSWORD)
        address = rest.enter_context(mlflow_server(folder, database, "s3://artifacts/mlflow", admin))
        stack = rest.pop_all()
    with stack:
        yield address


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials, in the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", NAME)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)


def registered(server: str, place: Path, card: str) -> str:
    write_bundle(place, graph(), signature(model=MODEL), {"background": [[1.0] * 6]}, card)
    forecasts = place.parent / "forecasts.parquet"
    forecasts.write_bytes(b"rows")
    return Registry(server).log_run("tests", {}, {}, {}, place, MODEL, {"forecasts.parquet": forecasts}).version


@pytest.mark.usefixtures("known")
def test_who_may_registers_promotes_and_fetches(server: str, tmp_path: Path) -> None:
    first, second = (registered(server, tmp_path / name, f"# {name}\n") for name in ("one", "two"))
    registry = Registry(server)
    for version in (first, second):
        registry.promote(MODEL, version)
    champion = registry.resolve(f"mlflow://{MODEL}@champion")
    assert champion.version == second
    assert registry.is_complete(champion)
    assert registry.attachment(champion, "forecasts.parquet", tmp_path / "there").read_bytes() == b"rows"
    stored = fetch(f"mlflow://{MODEL}@champion", tmp_path / "home", open_registry(server))
    assert (stored.version, read_bundle(stored.folder).card) == (second, "# two\n")


def test_who_may_not_is_told_which_variables_to_set(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for password in (None, "wrong-but-long-enough"):
        if password:
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", NAME)
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        for ask in (
            lambda: Registry(server).models(),
            lambda: Registry(server).resolve(f"mlflow://{MODEL}@champion"),
            lambda: fetch(f"mlflow://{MODEL}@champion", tmp_path, open_registry(server)),
        ):
            with pytest.raises((RegistryError, FetchError), match="MLFLOW_TRACKING_USERNAME") as refused:
                ask()
            assert len(str(refused.value).splitlines()) == 1
            assert not password or password not in str(refused.value)
