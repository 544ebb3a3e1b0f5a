"""What an experiment compares: forecasters of a match's outcome, each with a name and its settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.backtest import Walk
from matchday.features.known import vectors_before_kickoff
from matchday.features.services import MATCH_OUTCOME_V1
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import team_tables
from matchday.models.match_outcome import reference
from matchday.models.match_outcome.candidates import lineups
from matchday.models.match_outcome.reported import feature_rows, load_matches
from matchday.models.player_points.backtest import feature_rows as player_rows
from matchday.sources.snapshot import Snapshot
from matchday.tables import Teams, name

SEASONS = ("1617", "1718", "1819", "1920", "2021", "2122", "2223", "2324", "2425", "2526")
"""Seasons that are walked: those before the reported ones are what later choices may look at."""


@dataclass
class League:
    """The history that candidates are walked over; tables are made when the first candidate asks for them."""

    matches: pd.DataFrame
    teams: pd.DataFrame
    snapshot: Snapshot
    walks: dict[str, Walk] = field(default_factory=dict)
    """Walks that several candidates need, by name."""

    @classmethod
    def load(cls, snapshot: Snapshot) -> "League":
        """The bundled history."""
        return cls(load_matches(snapshot), snapshot.load(Teams), snapshot)

    @cached_property
    def known(self) -> Mapping[str, pd.DataFrame]:
        """Feature tables by view, under the settings that are served."""
        made = team_tables(self.matches, self.teams)
        return {name(table): rows for table, rows in zip(TEAM_TABLES, made, strict=True)}

    @cached_property
    def rows(self) -> pd.DataFrame:
        """A row for each match with the features of `match-outcome`."""
        return feature_rows(self.matches, self.known)

    @cached_property
    def wide_rows(self) -> pd.DataFrame:
        """Keys, goals and result, with the features of `match_outcome_v1` and the columns of the simple forecasters."""
        keys = self.rows[["match_id", "season", "kickoff", "home", "away", "home_goals", "away_goals", "result"]]
        first = vectors_before_kickoff(MATCH_OUTCOME_V1, self.matches, self.known)
        others = reference.reference_columns(self.matches, self.teams, self.known)
        return keys.join(first).merge(others.drop(columns=["home_elo", "away_elo"]), on="match_id")

    @cached_property
    def player_rows(self) -> pd.DataFrame:
        """A row for each player's match with the features of `player-points`."""
        return player_rows(self.snapshot)

    @cached_property
    def expected_shares(self) -> NDArray[np.float64]:
        """The share of the match that each of `player_rows` is expected to play, (n,)."""
        return lineups.expected_shares(self.player_rows)

    def walk(self, title: str, make: Callable[[], Walk]) -> Walk:
        """A walk that is made once."""
        if title not in self.walks:
            self.walks[title] = make()
        return self.walks[title]


@dataclass(frozen=True)
class Candidate:
    """A forecaster. settings: what makes it differ, for people. walk: over `SEASONS`, from a league."""

    name: str
    settings: Mapping[str, Any]
    walk: Callable[[League], Walk]


def choose_by_past(walks: Mapping[str, Walk], loss: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Walk:
    """Each season by the candidate whose mean loss was least on the seasons before it; the first at the start."""
    parts, names = [], list(walks)
    losses = {title: _loss_by_season(walk, loss) for title, walk in walks.items()}
    for season in SEASONS:
        past = [one for one in SEASONS if one < season]
        best = min(names, key=lambda title: sum(losses[title][one] for one in past)) if past else names[0]
        parts.append(walks[best].in_season(season).forecasts)
    return Walk(pd.concat(parts, ignore_index=True), walks[names[0]].columns)


def _loss_by_season(walk: Walk, loss: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> dict[str, float]:
    rows = walk.forecasts.assign(loss=loss(walk.numbers, walk.results))
    return {str(season): float(value) for season, value in rows.groupby("season")["loss"].mean().items()}
