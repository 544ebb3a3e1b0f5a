"""Replaces all rows of the online store in one step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feature_repo.online import Online, redis, sqlite
from matchday.files import replace_file
from matchday.settings import Settings


@contextmanager
def refill(settings: Settings) -> Iterator[Online]:
    """An empty store to fill. Its rows replace the current ones when the block ends without an exception.

    Raises FeatureStoreError when the store cannot be reached; the current rows then stay.
    """
    address = settings.online_address
    if isinstance(address, Path):
        with replace_file(address) as draft:
            yield sqlite(draft)
        return
    from feature_repo.staging import LIFE_SECONDS, Staging

    config = {**redis(address), "key_ttl_seconds": LIFE_SECONDS}
    with Staging(address) as staging:
        yield Online(config, staging.project)
