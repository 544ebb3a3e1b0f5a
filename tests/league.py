"""The real league for tests: read once a process, cut to some seasons, joined without Feast."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.features import fixture
from matchday.features.team import team_tables
from matchday.ratings.chances import team_chances
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import TABLES, Snapshot, write
from matchday.tables import Appearances, Matches, Teams


@cache
def whole(table: type[DataFrameModel]) -> pd.DataFrame:
    """A table of the bundled history; not to be written to."""
    return Snapshot(REPOSITORY / "data").load(table)


def some(table: type[DataFrameModel], seasons: Iterable[str]) -> pd.DataFrame:
    """The rows of some seasons."""
    rows = whole(table)
    return rows[rows["season"].isin(list(seasons))].reset_index(drop=True)


def bundled(folder: Path, seasons: Iterable[str]) -> Snapshot:
    """A bundled history of some seasons alone."""
    write(folder, {table: some(table, seasons) for table in TABLES})
    return Snapshot(folder)


def joined(matches: pd.DataFrame, form: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """`OutcomeFeatures` of finished matches by pandas' own join: the newest row of each team before kick-off."""
    rows = matches.sort_values(["kickoff", "match_id"], ignore_index=True)
    moment = (rows["kickoff"] - timedelta(seconds=1)).astype("datetime64[us, UTC]")
    stored = pd.DataFrame(index=rows.index)
    for side in ("home", "away"):
        asked = pd.DataFrame({"event_time": moment, "team": rows[side]})
        for view, table in (("team_form", form), ("team_ratings", ratings)):
            known = table.drop(columns="season").sort_values("event_time")
            found = pd.merge_asof(asked, known, on="event_time", by="team").drop(columns=["event_time", "team"])
            stored = stored.join(found.add_prefix(f"{side}__{view}__"))
    keys = rows[["match_id", "season", "kickoff", "home", "away"]].assign(event_time=moment)
    result = 1 - np.sign((rows["home_goals"] - rows["away_goals"]).to_numpy())
    return keys.assign(result=result).join(fixture.assemble(stored, rows["kickoff"]))


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """`TeamForm` and `TeamRatings` of the whole history."""
    return team_tables(team_chances(whole(Matches), whole(Appearances)), whole(Teams))


@cache
def outcome_features() -> pd.DataFrame:
    """`OutcomeFeatures` of the whole history."""
    return joined(whole(Matches), *tables())
