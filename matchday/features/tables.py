"""Feature tables of the whole history, from lake to lake."""

import json
from dataclasses import dataclass

import pandera.pandas as pa

from matchday import history
from matchday.features.freshness import RECEIPT, code
from matchday.features.team import team_tables
from matchday.lake import Lake
from matchday.ratings.xg import with_xg
from matchday.tables import Appearances, Matches, TeamForm, TeamRatings, Teams

TABLES: tuple[type[pa.DataFrameModel], ...] = (TeamForm, TeamRatings)


@dataclass(frozen=True)
class Built:
    """Feature tables in the lake. features: their fingerprint. unchanged: they were there before."""

    features: str
    unchanged: bool


def build(lake: Lake, of: str) -> Built:
    """Write `TeamForm` and `TeamRatings` of the history with fingerprint `of`; tables that are there are left alone.

    Raises HistoryError when the lake holds another history by now.
    """
    history.expect(lake, of)
    made = {"history": of, "code": code()}
    known = history.receipt(lake, RECEIPT)
    if (
        made.items() <= known.items()
        and known["features"] == history.present(lake, TABLES)
        and all(map(lake.intact, TABLES))
    ):
        return Built(str(known["features"]), unchanged=True)
    matches = with_xg(lake.read(Matches), lake.read(Appearances))
    for table, frame in zip(TABLES, team_tables(matches, lake.read(Teams)), strict=True):
        lake.write(table, frame)
    features = history.fingerprint(lake, TABLES)
    lake.storage.write(RECEIPT, json.dumps({**made, "features": features}).encode())
    return Built(features, unchanged=False)
