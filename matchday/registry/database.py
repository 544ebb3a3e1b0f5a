"""MLflow's own database on a server: awaited, and brought to the schema of this MLflow."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matchday.patience import NotYet, wait_for
from matchday.registry.client import client_class, shown
from matchday.registry.error import RegistryError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

LOCK = 0x6D61746368646179
"""Name of the lock that only one migration at a time holds: `matchday` in ASCII."""

FATAL = ("authentication failed", "does not exist", "no password supplied")
"""Words of PostgreSQL for what waiting does not mend."""


@dataclass(frozen=True)
class Migration:
    """The revisions of the schema: `before` is None for a database that was empty."""

    before: str | None
    after: str

    @property
    def unchanged(self) -> bool:
        """Whether there was nothing to do."""
        return self.before == self.after


def migrate(uri: str, seconds: float) -> Migration:
    """Wait for the database and bring it to this MLflow's schema, whatever of it is there. Twice is once.

    uri: as MLflow's server is told, `postgresql://USER:PASSWORD@HOST/NAME`. The tables of its basic-auth are brought
    along. Raises RegistryError for a database that refuses or is of a newer MLflow, MatchdayError when it has not
    come about within `seconds`.
    """
    client_class()
    engine = _engine(uri)
    try:
        return wait_for(lambda: _migrated(engine, uri), seconds)
    finally:
        engine.dispose()


def _migrated(engine: "Engine", uri: str) -> Migration:
    """A server that starts meanwhile makes the same tables: who comes second looks again."""
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    where = f"the database {shown(uri)}"
    try:
        with _connected(engine, where) as connection, _alone(connection):
            return _upgrade(engine, uri)
    except CommandError as error:
        raise RegistryError(
            f"{where} is not one that this MLflow knows ({error}): it is of a newer MLflow, whose image has to be "
            "used, or of something else"
        ) from None
    except SQLAlchemyError as error:
        raise NotYet(f"{where} cannot be migrated: {_reason(error)}") from error


def _upgrade(engine: "Engine", uri: str) -> Migration:
    from mlflow import db

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow imports its whole server here, and that warns of its own libraries
        from mlflow.server.auth.db.utils import migrate_if_needed
    from mlflow.store.db.utils import _get_latest_schema_revision, _get_schema_version

    before, after = _get_schema_version(engine), str(_get_latest_schema_revision())
    if before != after:
        db.upgrade.main([uri], standalone_mode=False)
    migrate_if_needed(engine, "head")
    return Migration(before, after)


def _engine(uri: str) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    patience = {"connect_timeout": 5} if uri.startswith("postgres") else {}
    try:
        return create_engine(uri, poolclass=NullPool, connect_args=patience)
    except (SQLAlchemyError, ImportError, ValueError):
        raise RegistryError(
            "MLFLOW_BACKEND_STORE_URI is no address of a database: write postgresql://USER:PASSWORD@HOST:5432/NAME"
        ) from None


@contextmanager
def _connected(engine: "Engine", where: str) -> Iterator["Connection"]:
    from sqlalchemy.exc import OperationalError

    try:
        connection = engine.connect()
    except OperationalError as error:
        reason = _reason(error)
        if any(word in reason for word in FATAL):
            raise RegistryError(f"{where} refuses: {reason}; check MLFLOW_BACKEND_STORE_URI") from None
        raise NotYet(f"{where} does not answer: {reason}; see that it runs") from None
    with connection:
        yield connection


@contextmanager
def _alone(connection: "Connection") -> Iterator[None]:
    """Hold the lock for the time of the block; the server itself lets it go when this process dies."""
    from sqlalchemy import text

    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    try:
        yield
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})


def _reason(error: Exception) -> str:
    """The first line of the driver's words."""
    words = str(getattr(error, "orig", None) or error)
    return shown(next(iter(words.strip().splitlines()), type(error).__name__))
