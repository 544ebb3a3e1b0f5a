"""Replacing the rows of the online store in one step."""

from collections.abc import Iterator
from contextlib import contextmanager

from feature_repo.online import Online, redis, sqlite
from matchday.files import replace_file
from matchday.settings import Settings


@contextmanager
def refill(settings: Settings) -> Iterator[Online]:
    """A store to fill, whose rows replace those of the current store when the block ends without an exception.

    Raises FeatureStoreError when the store cannot be reached; its rows are then as they were.
    """
    if settings.online_file:
        with replace_file(settings.online_file) as draft:
            yield sqlite(draft)
        return
    from feature_repo.staging import LIFE_SECONDS, Staging

    config = {**redis(settings.online_store), "key_ttl_seconds": LIFE_SECONDS}
    with Staging(settings.online_store) as staging:
        yield Online(config, staging.project)
