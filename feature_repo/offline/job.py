"""A request that is carried out when its rows are wanted."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from feast import OnDemandFeatureView
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.saved_dataset import SavedDatasetStorage

from feature_repo.offline import writing
from feature_repo.offline.source import ParquetSource

Read = Callable[[], Any]
"""Gives the rows as an Arrow table."""

Write = Callable[[ParquetSource], None]
"""Writes the rows to a folder of Parquet files without holding them all."""


class AsofJob(RetrievalJob):
    """Rows of the offline store.

    folder: what a local path of a saved dataset is relative to. describe: names and range of the rows, for a dataset.
    write: used for saved datasets in a folder, where the result is larger than memory.
    """

    def __init__(
        self,
        read: Read,
        folder: Path | None,
        *,
        describe: Callable[[], RetrievalMetadata] | None = None,
        on_demand: Sequence[OnDemandFeatureView] = (),
        full_names: bool = False,
        write: Write | None = None,
    ) -> None:
        self._read, self._folder, self._describe, self._write = read, folder, describe, write
        self._on_demand, self._full_names = list(on_demand), full_names

    @property
    def full_feature_names(self) -> bool:
        """Whether features bear the name of their view."""
        return self._full_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Views that Feast computes from the rows."""
        return self._on_demand

    @cached_property
    def metadata(self) -> RetrievalMetadata | None:
        """Names and range of the rows; None for rows of a source."""
        return self._describe() if self._describe else None

    def _to_arrow_internal(self, timeout: int | None = None) -> Any:
        return self._read()

    def persist(self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None) -> None:
        """Write the rows to a Parquet file (`*.parquet`) or a folder of them.

        Raises SavedDatasetLocationAlreadyExists for a place that holds something, unless it may be overwritten.
        """
        target = ParquetSource.of(storage.to_data_source(), self._folder)
        if not allow_overwrite and target.exists():
            raise SavedDatasetLocationAlreadyExists(location=target.path)
        if self._write and not target.is_file and not self._on_demand:
            self._write(target)
        else:
            writing.save(self.to_arrow(timeout=timeout), target)
