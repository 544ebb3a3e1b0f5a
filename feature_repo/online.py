"""Feast's configuration of the online store: SQLite or Redis."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from feature_repo.error import FeatureStoreError
from matchday.online_store import RedisAddress
from matchday.settings import Settings

PROJECT = "matchday"
"""Feast's project: the server reads the rows of this name."""

STORES = "feature_repo.online_stores"
"""The module of Feast's stores, which Feast imports by this name."""


def counter_key(project: str) -> str:
    """Key that counts the refills of a project's rows in Redis: a writer notices another one by it."""
    return f"{project}:filled"


ANSWER_SECONDS = 30.0
CONNECT_SECONDS = 5.0
"""Timeouts of a writer to Redis, unless its URL sets others."""


@dataclass(frozen=True)
class Online:
    """An online store. config: Feast's `online_store` section. project: the Feast project that its rows belong to."""

    config: dict[str, Any]
    project: str = PROJECT

    def staged(self) -> "Online":
        """The same store, filled by a refill that puts its rows in the place of others."""
        return replace(self, config={**self.config, "staged": True})

    def judged_at(self, moment: datetime | None) -> "Online":
        """The same store, in which the ages of rows are judged at a moment; None means now."""
        return self if moment is None else replace(self, config={**self.config, "as_of": moment.timestamp()})


def current(settings: Settings) -> Online:
    """The online store of the settings, which the server reads."""
    address = settings.online_address
    return sqlite(address) if isinstance(address, Path) else Online(redis(address))


def sqlite(path: Path) -> Online:
    """An online store in a SQLite file."""
    return Online({"type": f"{STORES}.GuardedSqliteOnlineStore", "path": str(path)})


def redis(address: RedisAddress) -> dict[str, Any]:
    """Feast's configuration for a Redis. Raises FeatureStoreError for an IPv6 address, which Feast cannot parse.

    Feast takes `host:port,name=value,...` with values in JSON, and splits at every comma: commas are escaped.
    """
    options = client_options(address)
    host, port = options.pop("host"), options.pop("port")
    if ":" in host:
        raise FeatureStoreError(f"Feast knows no IPv6 address of a Redis: give {address} a host name")
    texts = [f"{name}={json.dumps(value).replace(',', chr(92) + 'u002c')}" for name, value in options.items()]
    return {"type": f"{STORES}.GuardedRedisOnlineStore", "connection_string": ",".join([f"{host}:{port}", *texts])}


def client_options(address: RedisAddress) -> dict[str, Any]:
    """Keyword arguments for redis-py's `Redis` of a writer."""
    waits = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": CONNECT_SECONDS}
    return {**waits, **address.client_options()}
