"""Address of the online store, as Feast is configured with it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.error import FeatureStoreError
from matchday.online_store import RedisAddress
from matchday.settings import Settings

PROJECT = "matchday"
"""Feast's project: the rows that the server reads are under this name."""

ANSWER_SECONDS = 30.0
CONNECT_SECONDS = 5.0
"""Longest waits for a Redis that is written to, unless its URL says otherwise."""


@dataclass(frozen=True)
class Online:
    """An online store as Feast is configured with it. project: the Feast project that its rows belong to."""

    config: dict[str, Any]
    project: str = PROJECT


def current(settings: Settings) -> Online:
    """The store that is read."""
    address = settings.online_address
    return sqlite(address) if isinstance(address, Path) else Online(redis(address))


def sqlite(path: Path) -> Online:
    """A store in a file."""
    return Online({"type": "sqlite", "path": str(path)})


def redis(address: RedisAddress) -> dict[str, Any]:
    """A Redis by its address. Raises FeatureStoreError for one that Feast cannot be told.

    Feast wants `host:port,name=value,...` and reads values as JSON; a comma within one would end it.
    """
    options = client_options(address)
    host, port = options.pop("host"), options.pop("port")
    if ":" in host:
        raise FeatureStoreError(f"Feast knows no IPv6 address of a Redis: give {address} a host name")
    texts = [f"{name}={json.dumps(value).replace(',', chr(92) + 'u002c')}" for name, value in options.items()]
    return {"type": "redis", "connection_string": ",".join([f"{host}:{port}", *texts])}


def client_options(address: RedisAddress) -> dict[str, Any]:
    """Keyword arguments of redis-py's `Redis`, for a writer."""
    waits = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": CONNECT_SECONDS}
    return {**waits, **address.client_options()}
