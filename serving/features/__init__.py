"""Online features: read from the stores that Feast writes, without Feast."""

from matchday.online_store import RedisAddress, parse_online_store
from serving.features.store import OnlineStore


def open_store(address: str, project: str = "matchday") -> OnlineStore:
    """The online store of a Feast project; nothing is connected or opened before the first read.

    address: see `matchday.online_store`. Raises OnlineStoreAddressError for one that names no store.
    """
    place = parse_online_store(address)
    if isinstance(place, RedisAddress):
        from serving.features.redis import RedisStore

        return RedisStore(place, project)
    from serving.features.sqlite import SqliteStore

    return SqliteStore(place, project)
