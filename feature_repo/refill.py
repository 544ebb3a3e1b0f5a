"""Replaces the rows of the online store in one step, but for newer ones that were streamed in since."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from feature_repo.error import FeatureStoreError
from feature_repo.online import Online, redis, sqlite
from feature_repo.window import Window
from feature_repo.writers.sqlite import SqliteWriter
from matchday.files import replace_file
from matchday.settings import Settings


@contextmanager
def refill(settings: Settings, window: Window) -> Iterator[Online]:
    """An empty store to fill. Its rows replace the current ones when the block ends without an exception.

    window: event times that it is filled with. A row that was streamed in, has an event time of the window and is
    newer than the one filled in stays. At an equal event time the row filled in wins; the number of refills
    (`OnlineWriter.count_refills`) tells a writer that its rows may have been replaced. Raises FeatureStoreError when
    the store cannot be reached; the current rows then stay.
    """
    address = settings.online_address
    if isinstance(address, Path):
        with _draft(address, window) as draft:
            yield sqlite(draft).staged()
        return
    from feature_repo.staging import LIFE_SECONDS, Staging

    with Staging(address, window) as staging:
        yield Online({**redis(address), "key_ttl_seconds": LIFE_SECONDS}, staging.project).staged()


@contextmanager
def _draft(path: Path, window: Window) -> Iterator[Path]:
    """A file to fill, which takes the name when the block ends. While it does, no writer writes to the former file."""
    with ExitStack() as locked, replace_file(path) as draft:
        yield draft
        if draft.exists():
            former = locked.enter_context(closing(SqliteWriter(path)))
            try:
                locked.enter_context(former.transaction())
                with closing(SqliteWriter(draft)) as filled:
                    filled.adopt(former, window)
            except FeatureStoreError as error:
                if not is_damaged(error):
                    raise


def is_damaged(error: FeatureStoreError) -> bool:
    """Whether a file cannot be read at all: there is nothing in it to take over."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
