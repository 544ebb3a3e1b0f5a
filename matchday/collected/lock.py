"""The lock of what was collected: one update, backup or restore at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from matchday.collected.errors import CollectedError
from matchday.files import LockTimeout, lock_file

LOCK = ".update.lock"


@contextmanager
def hold_lock(url: str) -> Iterator[None]:
    """One update, backup or restore of a folder at a time. A bucket has no lock: let one machine update it."""
    path = url.removeprefix("file://")
    if "://" in path:
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(lock_file(Path(path) / LOCK))
        except LockTimeout:
            raise
        except OSError as why:
            raise CollectedError(f"{url}: cannot write there ({why.strerror}); choose a writable folder") from None
        yield
