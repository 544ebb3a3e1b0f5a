"""Feature tables of the whole history, from lake to lake."""

import pandera.pandas as pa

from matchday import history
from matchday.features.team import team_tables
from matchday.lake import Lake
from matchday.ratings.chances import team_chances
from matchday.tables import Appearances, Matches, TeamForm, TeamRatings, Teams

TABLES: tuple[type[pa.DataFrameModel], ...] = (TeamForm, TeamRatings)


def build(lake: Lake, of: str) -> str:
    """Write `TeamForm` and `TeamRatings` of the history with fingerprint `of`; returns theirs.

    Raises HistoryError when the lake holds another history by now.
    """
    history.expect(lake, of)
    matches = team_chances(lake.read(Matches), lake.read(Appearances))
    for table, frame in zip(TABLES, team_tables(matches, lake.read(Teams)), strict=True):
        lake.write(table, frame)
    return history.fingerprint(lake, TABLES)
