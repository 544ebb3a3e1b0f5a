"""Results as they stand: the matches of the lake, read again once they have changed."""

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.tables import Appearances, Matches

LATEST = 2
"""Seasons of appearances that are read, the latest: forecasts of earlier ones have their scores by now."""


class Results:
    """Played matches of a lake, and what players did in them. A corrected result is corrected from the next look on."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._read: dict[type[DataFrameModel], tuple[str | None, pd.DataFrame]] = {}

    def written(self) -> bool:
        """Whether there is a table of matches at all."""
        return self._lake.fingerprint(Matches) is not None

    def matches(self) -> pd.DataFrame:
        """Rows of `Matches`, not to be written to. Raises LakeError when there are none, or damaged ones."""
        return self._current(Matches)

    def appearances(self) -> pd.DataFrame:
        """Rows of `Appearances` of the latest seasons but those of assistant managers, not to be written to.

        Raises LakeError when there are none, or damaged ones.
        """
        return self._current(Appearances)

    def _current(self, table: type[DataFrameModel]) -> pd.DataFrame:
        now = self._lake.fingerprint(table)
        known, rows = self._read.get(table, (None, pd.DataFrame()))
        if now is None or now != known:
            rows = self._lake.read(table) if table is Matches else self._latest()
            self._read[table] = now, rows
        return rows

    def _latest(self) -> pd.DataFrame:
        seasons = LakeReader(self._lake.storage.url).seasons("appearances")
        rows = self._lake.read(Appearances, sorted(seasons)[-LATEST:])
        return rows[rows["position"] != "MNG"]
