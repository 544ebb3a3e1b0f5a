"""Address of the online store, as Feast is configured with it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.error import FeatureStoreError
from matchday.settings import Settings

PROJECT = "matchday"
"""Feast's project: the rows that the server reads are under this name."""

PATIENCE = {"socket_connect_timeout": 5, "socket_timeout": 30}
"""Seconds that a Redis has to answer, unless its URL says otherwise."""

FORM = "MATCHDAY_ONLINE_STORE is redis://[[user]:password@]host[:port][/db], rediss:// for TLS, or the path of a file"


@dataclass(frozen=True)
class Online:
    """An online store as Feast is configured with it. project: the Feast project that its rows belong to."""

    config: dict[str, Any]
    project: str = PROJECT


def current(settings: Settings) -> Online:
    """The store that is read."""
    if settings.online_file:
        return sqlite(settings.online_file)
    return Online(redis(settings.online_store))


def sqlite(path: Path) -> Online:
    """A store in a file."""
    return Online({"type": "sqlite", "path": str(path)})


def redis(url: str) -> dict[str, Any]:
    """A Redis by its URL. Raises FeatureStoreError for a URL that names none, without its secrets.

    Feast wants `host:port,name=value,...` and reads values as JSON; a comma within one would end it.
    """
    from redis.connection import SSLConnection, parse_url

    try:
        options = {**PATIENCE, **parse_url(url)}
    except ValueError:
        raise FeatureStoreError(FORM) from None
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
    host, port = options.pop("host", "localhost"), options.pop("port", 6379)
    told = [f"{name}={json.dumps(value).replace(',', chr(92) + 'u002c')}" for name, value in options.items()]
    return {"type": "redis", "connection_string": ",".join([f"{host}:{port}", *told])}
