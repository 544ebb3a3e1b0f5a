"""Where the stream keeps its facts: beside the online store."""

from pathlib import Path

from feature_repo.stream.fact_store import FactStore
from matchday.online_store import RedisAddress


def open_fact_store(address: Path | RedisAddress, project: str = "matchday") -> FactStore:
    """The facts beside the online store at an address: in the same Redis, or in a SQLite file next to the other."""
    if isinstance(address, RedisAddress):
        from feature_repo.stream.redis_facts import RedisFacts

        return RedisFacts(address, project)
    from feature_repo.stream.sqlite_facts import SqliteFacts

    return SqliteFacts(address.with_name("stream.db"))
