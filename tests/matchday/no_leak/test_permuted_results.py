"""Where results are permuted there is nothing to forecast: whoever beats the base rate has seen the results."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.backtest import walk_forward
from matchday.features.tables import TEAM_TABLES
from matchday.features.team import team_tables
from matchday.models.match_outcome.baselines import base_rate
from matchday.models.match_outcome.reported import feature_rows, walk_model
from matchday.ratings.xg import with_xg
from matchday.scores.outcome import CLASSES, ranked_probability
from matchday.tables import Appearances, Matches, Teams, name
from tests import league

SEASONS = ("1920", "2021", "2122", "2223")
WALKED = ["2122", "2223"]
GOALS = ["home_goals", "away_goals"]
CHANCE = 0.002
"""How much better than the base rate a forecast without knowledge may be on 760 matches: three standard errors."""

Leak = Callable[[pd.DataFrame], pd.DataFrame]


@cache
def rows(permuted: bool) -> pd.DataFrame:
    """Features and results of a league; of one whose results were permuted within seasons before all else."""
    matches = league.some(Matches, SEASONS)
    if permuted:
        random = np.random.default_rng(3)
        for season in SEASONS:
            there = matches.index[matches["season"] == season]
            matches.loc[there, GOALS] = matches.loc[random.permutation(there), GOALS].to_numpy()
    # what players did is of the true results
    described = with_xg(matches, league.some(Appearances, SEASONS).head(0) if permuted else _appearances())
    described = described.sort_values(["kickoff", "match_id"], ignore_index=True)
    tables = team_tables(described, league.some(Teams, SEASONS))
    return feature_rows(described, {name(table): found for table, found in zip(TEAM_TABLES, tables, strict=True)})


def _appearances() -> pd.DataFrame:
    return league.some(Appearances, SEASONS)


def gain(table: pd.DataFrame) -> float:
    """RPS of the base rate less that of the model, above 0 where the model knows something."""
    walks = (walk_forward(table, base_rate, CLASSES, WALKED), walk_model(table, WALKED))
    base, own = (float(ranked_probability(walk.numbers, walk.results).mean()) for walk in walks)
    return base - own


def test_there_is_something_to_forecast_in_the_true_league() -> None:
    assert gain(rows(False)) > 0.02


def test_scores_fall_to_the_base_rate_where_results_are_permuted() -> None:
    assert gain(rows(True)) < CHANCE


def permute(table: pd.DataFrame) -> pd.DataFrame:
    """True features, and results of other matches."""
    places = np.random.default_rng(4).permutation(len(table))
    columns = [*GOALS, "result"]
    return table.assign(**{column: table[column].to_numpy()[places] for column in columns})


def test_scores_fall_to_the_base_rate_where_only_the_results_to_forecast_are_permuted() -> None:
    assert gain(permute(rows(False))) < CHANCE


def attack_knows_the_goals(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(home_attack=table["home_attack"] + 0.1 * (table["home_goals"] - table["away_goals"]))


def defence_knows_who_wins(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(away_defence=table["away_defence"] + 0.2 * (table["result"] == 2))


def settled_knows_who_loses(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(home_settled=(table["result"] == 2).astype(float))


@pytest.mark.parametrize("leak", [attack_knows_the_goals, defence_knows_who_wins, settled_knows_who_loses])
def test_a_leak_of_results_would_be_found(leak: Leak) -> None:
    assert gain(leak(rows(True))) > CHANCE
