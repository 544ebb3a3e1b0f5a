"""The online store: which one Feast is told of, and how it is filled anew behind the backs of its readers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.error import FeatureStoreError
from matchday.files import replace_file
from matchday.settings import Settings

PROJECT = "matchday"
"""Feast's project: the rows that the server reads are under this name."""

PATIENCE = {"socket_connect_timeout": 5, "socket_timeout": 30}
"""Seconds that a Redis has to answer, unless its URL says otherwise."""

FORM = "MATCHDAY_ONLINE_STORE is redis://[[user]:password@]host[:port][/db], rediss:// for TLS, or the path of a file"


@dataclass(frozen=True)
class Online:
    """An online store as Feast is told of it. project: under whose name it keeps rows there."""

    config: dict[str, Any]
    project: str = PROJECT


def current(settings: Settings) -> Online:
    """The store that is read."""
    if settings.online_file:
        return sqlite(settings.online_file)
    return Online(redis(settings.online_store))


@contextmanager
def filled_anew(settings: Settings) -> Iterator[Online]:
    """A store to be filled, whose rows replace the current one's in one step when all went well.

    Raises FeatureStoreError when the store cannot be reached; what was there is still there then.
    """
    if settings.online_file:
        with replace_file(settings.online_file) as draft:
            yield sqlite(draft)
        return
    from feature_repo.staging import LIFE_SECONDS, Staging

    config = {**redis(settings.online_store), "key_ttl_seconds": LIFE_SECONDS}
    with Staging(settings.online_store) as staging:
        yield Online(config, staging.project)


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
