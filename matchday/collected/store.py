"""Store of observations: a lake of its own, whose tables only grow.

    <root>/lake.json, <root>/observed_fixtures/...    a `matchday.lake.Lake`
    <root>/raw/...                                    the answers that the rows were read from: `matchday.sources.raw`
    <root>/forecasts/, <root>/forecast_batches/       what was forecast, and when: `matchday.forecasts.record`
    <root>/restoring.json                             a restore has begun and is not over: `matchday.collected.backup`

A row that was stored is never changed or deleted, so what was known at a past moment can always be told.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.collected.errors import CollectedError
from matchday.collected.layout import RESTORING
from matchday.collected.versions import new_versions
from matchday.lake import Lake
from matchday.tables import columns, name
from matchday.tables.arrow import dtypes
from matchday.tables.observed import ObservedFixtures, ObservedOdds, ObservedPlayers, ObservedTeams
from matchday.tables.observed_appearances import ObservedAppearances
from matchday.tables.observed_rules import ObservedRules

TABLES: tuple[type[DataFrameModel], ...] = (
    ObservedTeams,
    ObservedFixtures,
    ObservedPlayers,
    ObservedAppearances,
    ObservedRules,
    ObservedOdds,
)
"""The tables of observations."""


class ObservationStore:
    """The observations below a root, `file://` (or a path) or `s3://`.

    Raises StorageError when the root does not allow it, LakeError when a table is damaged, CollectedError after a
    restore that was not finished.
    """

    def __init__(self, url: str) -> None:
        self.lake = Lake(url)
        self._frames: dict[str, tuple[str, pd.DataFrame]] = {}
        with suppress(FileNotFoundError):
            self.lake.storage.read(RESTORING)
            raise CollectedError(
                f"{self.lake.storage.url}: a restore began and did not end; run 'matchday data restore' again"
            )

    def add(self, table: type[DataFrameModel], rows: pd.DataFrame) -> pd.DataFrame:
        """Store those rows that say something new. Returns them. Raises TableError."""
        if rows.empty:
            return rows
        added = new_versions(table, self.read(table, set(rows["season"])), rows)
        if len(added):
            self.lake.append(table, added)
        return added

    def read(self, table: type[DataFrameModel], seasons: Iterable[str] | None = None) -> pd.DataFrame:
        """All versions, or those of some seasons; no rows when nothing was ever stored.

        A table that has not changed is read from the lake once: leave the frame as it is.
        """
        fingerprint = self.lake.fingerprint(table)
        if fingerprint is None:
            return no_rows(table)
        known, rows = self._frames.get(name(table), ("", None))
        if rows is None or known != fingerprint:
            rows = self.lake.read(table)
            self._frames[name(table)] = fingerprint, rows
        return rows if seasons is None else rows[rows["season"].isin(set(seasons))].reset_index(drop=True)

    def newest_moment(self) -> datetime | None:
        """When the newest observation was made; None without any."""
        moments = [self.read(table)["known_at"].max() for table in TABLES]
        known = [moment.to_pydatetime() for moment in moments if not pd.isna(moment)]
        return max(known, default=None)


def no_rows(table: type[DataFrameModel]) -> pd.DataFrame:
    """A frame of the table without rows."""
    return pd.DataFrame({column: pd.Series([], dtype=kind) for column, kind in dtypes(table).items()})[columns(table)]
