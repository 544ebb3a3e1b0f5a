"""The real league for tests: read once a process, cut to some seasons, joined without Feast."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.features.player_tables import player_tables
from matchday.features.team import team_tables
from matchday.features.vectors import assemble
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.ratings.xg import with_xg
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import TABLES, Snapshot, write
from matchday.tables import Appearances, Availability, Matches, Teams


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


def joined(
    matches: pd.DataFrame, form: pd.DataFrame, ratings: pd.DataFrame, kind: ModelKind = MATCH_OUTCOME
) -> pd.DataFrame:
    """The training set of a model over finished matches, joined by pandas: each team's newest row before kick-off."""
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
    result = kind.result(*(rows[f"{side}_goals"].to_numpy(np.int64) for side in ("home", "away")))
    return keys.assign(result=result).join(assemble(kind.features, stored, rows["kickoff"]))


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """`TeamForm` and `TeamRatings` of the whole history."""
    return team_tables(with_xg(whole(Matches), whole(Appearances)), whole(Teams))


@cache
def feature_tables() -> tuple[pd.DataFrame, ...]:
    """All feature tables of the whole history, in the order of `matchday.features.tables.TABLES`."""
    return (*tables(), *player_tables(whole(Appearances), whole(Teams), whole(Availability)))


@cache
def outcome_features() -> pd.DataFrame:
    """`OutcomeFeatures` of the whole history."""
    return joined(whole(Matches), *tables())


@cache
def goals_features() -> pd.DataFrame:
    """`GoalsFeatures` of the whole history."""
    return joined(whole(Matches), *tables(), TOTAL_GOALS)
