"""How much the online store holds: the size of its file, or the memory that its rows take in Redis."""

from dataclasses import dataclass
from pathlib import Path

from redis import Redis, RedisError

from feature_repo.definitions import ENTITIES
from feature_repo.error import FeatureStoreError
from feature_repo.online import PROJECT, client_options
from matchday.online_store import RedisAddress, directory_key
from matchday.settings import Settings


@dataclass(frozen=True)
class StoreMemory:
    """address: without its secrets. bytes: of the file, or of our rows in Redis. server_bytes: all that Redis uses."""

    address: str
    bytes: int
    server_bytes: int | None = None


def measure_memory(settings: Settings) -> StoreMemory:
    """What the online store of the settings takes. Raises FeatureStoreError when it cannot be asked."""
    address = settings.online_address
    try:
        return _of_redis(address) if isinstance(address, RedisAddress) else _of_file(address)
    except FileNotFoundError:
        raise FeatureStoreError(
            f"the online store {address} does not exist: 'matchday features refresh' fills it"
        ) from None
    except (OSError, RedisError) as why:
        raise FeatureStoreError(f"the online store {address} cannot be measured: {why}") from None


def _of_file(path: Path) -> StoreMemory:
    return StoreMemory(str(path), path.stat().st_size)


def _of_redis(address: RedisAddress) -> StoreMemory:
    """By Redis's own estimate of each row, over the entities that materialisation has listed."""
    with Redis(**client_options(address)) as redis, redis.pipeline(transaction=False) as asked:
        for entity in ENTITIES:
            for member in redis.smembers(directory_key(PROJECT, entity.join_key)):
                asked.memory_usage(member + PROJECT.encode())
        used = int(redis.info("memory")["used_memory"])
        return StoreMemory(str(address), sum(size or 0 for size in asked.execute()), used)
