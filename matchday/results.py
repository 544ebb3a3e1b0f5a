"""Results as they stand: the matches of the lake, read again once they have changed."""

import pandas as pd

from matchday.lake import Lake
from matchday.tables import Matches


class Results:
    """Played matches of a lake. A corrected result is a corrected row from the next look on."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._fingerprint: str | None = None
        self._matches = pd.DataFrame()

    def written(self) -> bool:
        """Whether there is a table of matches at all."""
        return self._lake.fingerprint(Matches) is not None

    def matches(self) -> pd.DataFrame:
        """Rows of `Matches`, not to be written to. Raises LakeError when there are none, or damaged ones."""
        now = self._lake.fingerprint(Matches)
        if now is None or now != self._fingerprint:
            self._matches = self._lake.read(Matches)
            self._fingerprint = now
        return self._matches
