"""Online features: read from the stores that Feast writes, without Feast."""

from pathlib import Path

from serving.features.store import OnlineStore, StoreError

SQLITE = "sqlite:///"


def open_store(url: str, project: str = "matchday") -> OnlineStore:
    """The online store of a Feast project; nothing is connected or opened before the first read.

    url: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for TLS, `sqlite:///relative/path`,
    `sqlite:////absolute/path`, or the path alone. Raises StoreError for any other.
    """
    if url.startswith(("redis://", "rediss://")):
        from serving.features.address import Address
        from serving.features.redis import RedisStore

        return RedisStore(Address.from_url(url), project)
    if "://" in url and not url.startswith(SQLITE):
        scheme = url.partition("://")[0]
        raise StoreError(f"no online store is known for {scheme}://; use redis://, rediss:// or {SQLITE}path")
    from serving.features.sqlite import SqliteStore

    return SqliteStore(Path(url.removeprefix(SQLITE)), project)
