"""Writers of the online store, in Feast's layout but without Feast: guarded by event time and revision, and fast."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from feature_repo.writers.counts import WriteCounts
from feature_repo.writers.row import EncodedRow, FeatureRow
from matchday.online_store import RedisAddress

__all__ = ["EncodedRow", "FeatureRow", "OnlineWriter", "WriteCounts", "open_writer"]


class OnlineWriter(Protocol):
    """Writes rows by the law of `feature_repo.writers.row`: a row is written whole or not at all.

    Each method raises FeatureStoreError when the store cannot be reached or refuses. What was written before is then
    there in whole rows; writing all of them again is safe. For one thread at a time.
    """

    def write(self, rows: Iterable[FeatureRow]) -> WriteCounts:
        """Write the rows. Raises ValueError and TypeError for a row that Feast cannot hold."""

    def write_encoded(self, rows: Iterable[EncodedRow]) -> WriteCounts:
        """Write rows that are in Feast's bytes already."""

    def count_refills(self) -> int:
        """How often the store was refilled: after another refill, rows that it has replaced must be made again."""

    def close(self) -> None:
        """Let go of the store."""


def open_writer(address: Path | RedisAddress, project: str = "matchday") -> OnlineWriter:
    """The writer of a Feast project's rows; nothing is connected or opened before the first write."""
    if isinstance(address, RedisAddress):
        from feature_repo.writers.redis import RedisWriter, connect

        return RedisWriter(connect(address), str(address), project)
    from feature_repo.writers.sqlite import SqliteWriter

    return SqliteWriter(address, project)
