"""A version that is looked up in the database file is the one that MLflow finds."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from matchday.registry import Registry
from matchday.registry.names import ModelUriError
from matchday.registry.sqlite import sqlite_file
from matchday.registry.stored import find_stored
from tests.matches import MODEL, registry_of_walks


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    made = registry_of_walks(tmp_path_factory.mktemp("registry"))
    made.promote(MODEL, "2")
    made.set_alias(MODEL, "challenger", "4")
    return made


@pytest.fixture
def database(registry: Registry) -> Path:
    file = sqlite_file(registry.tracking_uri)
    assert file is not None
    return file


@pytest.mark.parametrize("uri", [f"mlflow://{MODEL}@champion", f"mlflow://{MODEL}@challenger", f"mlflow://{MODEL}/3"])
def test_it_is_the_version_that_mlflow_finds(registry: Registry, database: Path, uri: str) -> None:
    found, wanted = find_stored(database, uri), registry.resolve(uri)
    assert found is not None
    assert (found.name, found.version, dict(found.tags)) == (wanted.name, wanted.version, dict(wanted.tags))


def test_what_is_not_there_is_left_to_mlflow(database: Path, tmp_path: Path) -> None:
    for uri in (f"mlflow://{MODEL}@nobody", f"mlflow://{MODEL}/99", "mlflow://other@champion"):
        assert find_stored(database, uri) is None
    assert find_stored(tmp_path / "none.db", f"mlflow://{MODEL}/1") is None
    (tmp_path / "text.db").write_text("no database")
    assert find_stored(tmp_path / "text.db", f"mlflow://{MODEL}/1") is None
    with pytest.raises(ModelUriError):
        find_stored(database, "nonsense")


def test_a_version_that_was_deleted_or_a_schema_of_another_release_is_none(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.read_bytes())
    with closing(sqlite3.connect(copy)) as opened:
        opened.execute("UPDATE model_versions SET current_stage = 'Deleted_Internal' WHERE version = 1")
        opened.commit()
        assert find_stored(copy, f"mlflow://{MODEL}/1") is None and find_stored(copy, f"mlflow://{MODEL}/2")
        opened.execute("ALTER TABLE model_version_tags RENAME TO elsewhere")
        opened.commit()
    assert find_stored(copy, f"mlflow://{MODEL}/2") is None
