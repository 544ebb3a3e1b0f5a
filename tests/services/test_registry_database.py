"""MLflow's schema on a real PostgreSQL: from nothing, from an old version, and when nothing is to be done."""

import threading
import time

import pytest

from matchday.errors import MatchdayError
from matchday.registry.database import Migration, migrate
from matchday.registry.error import RegistryError
from tests.services.postgres import PASSWORD, PostgresServer, postgres  # noqa: F401
from tests.services.processes import free_port

pytestmark = pytest.mark.services

OLD = "4465047574b1"
"""A revision of MLflow 2."""


def tables(server: PostgresServer, url: str) -> set[object]:
    found = server.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'", url)
    return {name for (name,) in found}


def test_from_nothing_and_twice_is_once(postgres: PostgresServer) -> None:  # noqa: F811
    url = postgres.database()
    first = migrate(url, 10)
    assert first.before is None and not first.unchanged
    assert {"runs", "model_versions", "users"} <= tables(postgres, url)
    assert postgres.execute("SELECT version_num FROM alembic_version", url) == [(first.after,)]
    again = migrate(url, 10)
    assert again == Migration(first.after, first.after)
    assert again.unchanged


def test_an_old_schema_keeps_its_rows(postgres: PostgresServer) -> None:  # noqa: F811
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    url = postgres.database()
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    config = _get_alembic_config(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLD)
    engine.dispose()
    postgres.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (7, 'kept', 'active')", url)
    done = migrate(url, 10)
    assert (done.before, done.unchanged) == (OLD, False)
    assert postgres.execute("SELECT name FROM experiments WHERE experiment_id = 7", url) == [("kept",)]
    assert migrate(url, 10).unchanged


def test_two_at_once_do_not_disturb_each_other(postgres: PostgresServer) -> None:  # noqa: F811
    url, done = postgres.database(), []
    both = [threading.Thread(target=lambda: done.append(migrate(url, 30))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(one.unchanged for one in done) == [False, True]


def test_a_database_of_a_newer_mlflow_is_left_alone(postgres: PostgresServer) -> None:  # noqa: F811
    url = postgres.database()
    migrate(url, 10)
    postgres.execute("UPDATE alembic_version SET version_num = 'from-2031'", url)
    with pytest.raises(RegistryError, match=r"is not one that this MLflow knows .*from-2031.*newer MLflow"):
        migrate(url, 10)
    assert postgres.execute("SELECT version_num FROM alembic_version", url) == [("from-2031",)]


def test_a_database_that_is_late_is_waited_for(postgres: PostgresServer) -> None:  # noqa: F811
    url = postgres.database()
    postgres.stop()
    late = threading.Timer(2, postgres.start)
    late.start()
    try:
        assert migrate(url, 30).before is None
    finally:
        late.join()


def test_one_that_never_answers_is_said_in_one_line_without_its_password() -> None:
    began = time.monotonic()
    with pytest.raises(MatchdayError, match=r"does not answer: .*see that it runs \(waited 2 s\)") as failure:
        migrate(f"postgresql://mlflow:{PASSWORD}@127.0.0.1:{free_port()}/mlflow", 2)
    assert time.monotonic() - began < 40
    assert PASSWORD not in str(failure.value) and len(str(failure.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace(PASSWORD, "wrong"), "refuses: .*authentication failed.*MLFLOW_BACKEND_STORE_URI"),
        (lambda url: url + "x", "refuses: .*does not exist"),
        (lambda _: "the database", "MLFLOW_BACKEND_STORE_URI is no address"),
    ],
)
def test_what_waiting_does_not_mend_is_said_at_once(postgres: PostgresServer, change, said: str) -> None:  # noqa: F811
    began = time.monotonic()
    with pytest.raises(RegistryError, match=said):
        migrate(change(postgres.database()), 60)
    assert time.monotonic() - began < 40
