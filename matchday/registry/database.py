"""Schema of MLflow's database server: waits for the database and migrates it to this MLflow's schema."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matchday.patience import NotYet, wait_for
from matchday.registry.client import client_class, without_credentials
from matchday.registry.error import RegistryError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

LOCK = 0x6D61746368646179
"""Key of the advisory lock that one migration at a time holds: `matchday` in ASCII."""

FATAL = ("authentication failed", "does not exist", "no password supplied")
"""In PostgreSQL's messages about errors that waiting does not mend."""


@dataclass(frozen=True)
class Migration:
    """Schema revisions before and after; `before` is None for a database that was empty."""

    before: str | None
    after: str

    @property
    def unchanged(self) -> bool:
        """Whether there was nothing to do."""
        return self.before == self.after


def migrate(uri: str, seconds: float) -> Migration:
    """Wait for the database and migrate it to this MLflow's schema, from any earlier one; idempotent.

    uri: as MLflow's server gets it, `postgresql://USER:PASSWORD@HOST/NAME`. The tables of its basic-auth are migrated
    as well. Raises RegistryError for a database that refuses or is of a newer MLflow, MatchdayError when it is not
    migrated within `seconds`.
    """
    client_class()
    engine = _engine(uri)
    try:
        return wait_for(lambda: _migrate_locked(engine, uri), seconds)
    finally:
        engine.dispose()


def _migrate_locked(engine: "Engine", uri: str) -> Migration:
    """Raises NotYet when an MLflow server that starts meanwhile creates the same tables: the next try finds them."""
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    where = f"the database {without_credentials(uri)}"
    try:
        with _connect(engine, where) as connection, _hold_lock(connection):
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
        warnings.simplefilter("ignore")  # this imports MLflow's whole server, whose libraries give warnings
        from mlflow.server.auth.db.utils import migrate_if_needed
    before = _revision(engine)
    db.upgrade.main([uri], standalone_mode=False)
    migrate_if_needed(engine, "head")
    return Migration(before, str(_revision(engine)))


def _revision(engine: "Engine") -> str | None:
    """The revision of the schema as alembic keeps it; None for an empty database."""
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


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
def _connect(engine: "Engine", where: str) -> Iterator["Connection"]:
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
def _hold_lock(connection: "Connection") -> Iterator[None]:
    """Hold the lock during the block; the server releases it when this process dies."""
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
    """The first line of the driver's message, without the password."""
    words = str(getattr(error, "orig", None) or error)
    return without_credentials(next(iter(words.strip().splitlines()), type(error).__name__))
