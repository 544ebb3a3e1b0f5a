"""The real league for tests: read once a process, cut to some seasons, joined without Feast."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.features.known import JUST_BEFORE, vectors_before_kickoff
from matchday.features.player_tables import player_tables
from matchday.features.services import MATCH_OUTCOME_V1
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import team_tables
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.ratings.xg import with_xg
from matchday.settings import REPOSITORY
from matchday.sources import snapshot
from matchday.sources.snapshot import Snapshot, write
from matchday.tables import Appearances, Availability, Matches, Teams, name

WITH_FORM = replace(MATCH_OUTCOME, feature_service="match_outcome_v1", features=MATCH_OUTCOME_V1)
"""`match-outcome` with the features of the service's first version: form, days of rest and ratings."""


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
    write(folder, {table: some(table, seasons) for table in snapshot.TABLES})
    return Snapshot(folder)


def joined(matches: pd.DataFrame, *tables: pd.DataFrame, kind: ModelKind = MATCH_OUTCOME) -> pd.DataFrame:
    """The training set of a model over finished matches, joined by pandas: each team's newest row before kick-off.

    tables: as `team_tables` gives them.
    """
    rows = matches.sort_values(["kickoff", "match_id"], ignore_index=True)
    by_view = {name(table): frame for table, frame in zip(TEAM_TABLES, tables, strict=True)}
    vectors = vectors_before_kickoff(kind.features, rows, by_view)
    keys = rows[["match_id", "season", "kickoff", "home", "away"]]
    keys = keys.assign(event_time=(rows["kickoff"] - JUST_BEFORE).astype("datetime64[us, UTC]"))
    said = {column: rows[column].to_numpy(np.int64) for column in kind.result_of}
    return keys.assign(**said, result=kind.result(*said.values())).join(vectors)


@cache
def tables() -> tuple[pd.DataFrame, ...]:
    """`TeamForm`, `TeamRatings` and `TeamStrength` of the whole history."""
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
def candidate_features() -> pd.DataFrame:
    """The same with the features of `match_outcome_v1`, which the candidates read."""
    return joined(whole(Matches), *tables(), kind=WITH_FORM)


@cache
def goals_features() -> pd.DataFrame:
    """`GoalsFeatures` of the whole history."""
    return joined(whole(Matches), *tables(), kind=TOTAL_GOALS)
