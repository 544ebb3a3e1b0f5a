"""The law of no leakage on the real league, at a few moments; `test_no_leak.py` has many, on small leagues."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from matchday.backtest import walk_forward
from matchday.calendar import next_gameweek
from matchday.features import team
from matchday.features.team import FULL_TIME, team_tables
from matchday.models.evaluation import evaluate
from matchday.models.match_outcome import settled_goals
from matchday.models.match_outcome.baselines import baselines
from matchday.models.match_outcome.recipe import OutcomeRecipe
from matchday.models.match_outcome.settled_goals import Parameters
from matchday.ratings.xg import with_xg
from matchday.tables import Appearances, Fixtures, Matches, Teams
from tests import league

SEASONS = ("2021", "2122", "2223", "2324")
"""The first two without expected goals: the second takes the stand-in, learnt from the first."""
QUICK = Parameters(first_season="2021")
SAID = ["xg", "threat", "creativity", "saves"]


@dataclass(frozen=True)
class World:
    """What happened, and all that is made of it."""

    form: pd.DataFrame
    ratings: pd.DataFrame
    strength: pd.DataFrame
    features: pd.DataFrame

    def known(self, moment: pd.Timestamp) -> list[pd.DataFrame]:
        """The feature rows of a moment."""
        tables = (self.form, self.ratings, self.strength)
        return [table[table["event_time"] <= moment].reset_index(drop=True) for table in tables]


def lived(matches: pd.DataFrame, appearances: pd.DataFrame) -> World:
    tables = team_tables(with_xg(matches, appearances), league.some(Teams, SEASONS))
    return World(*tables, league.joined(matches, *tables))


@cache
def as_it_was() -> World:
    return lived(league.some(Matches, SEASONS), league.some(Appearances, SEASONS))


def otherwise(moment: pd.Timestamp, seed: int) -> World:
    """Every result, and all that players did, not known at the moment, is another."""
    random = np.random.default_rng(seed)
    matches, appearances = league.some(Matches, SEASONS), league.some(Appearances, SEASONS)
    later = matches["kickoff"] + FULL_TIME > moment
    goals = ["home_goals", "away_goals"]
    matches.loc[later, goals] = (matches.loc[later, goals] + random.integers(1, 5, (later.sum(), 2))) % 8
    played = appearances["match_id"].isin(matches.loc[later, "match_id"])
    appearances.loc[played, SAID] *= 3
    appearances.loc[played, "saves"] += 1
    return lived(matches, appearances)


def forecast(world: World, moment: pd.Timestamp) -> np.ndarray:
    """The next gameweek by a model trained at the moment on vectors as known at it."""
    past = world.features[world.features["kickoff"] + FULL_TIME <= moment]
    coming = next_gameweek(league.some(Fixtures, SEASONS), moment.to_pydatetime()).fixtures
    rows = coming.assign(kickoff=moment + timedelta(seconds=1), home_goals=0, away_goals=0)
    vectors = settled_goals.vectors_of(league.joined(rows, *world.known(moment)))
    return settled_goals.train(past, QUICK).predict(vectors)


def assert_no_leak(moment: pd.Timestamp, seed: int) -> None:
    here, elsewhere = as_it_was(), otherwise(moment, seed)
    for ours, theirs in zip(here.known(moment), elsewhere.known(moment), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    before = here.features["kickoff"] <= moment
    names = list(settled_goals.NAMES)
    assert here.features.loc[before, names].equals(elsewhere.features.loc[before, names])
    assert np.array_equal(forecast(here, moment), forecast(elsewhere, moment))
    after = here.features["kickoff"] > moment + timedelta(days=30)
    assert not here.features.loc[after, names].equals(elsewhere.features.loc[after, names]), "something was altered"


@pytest.mark.parametrize("moment", ["2021-12-28T00:00:00Z", "2023-12-26T16:59:59.999999Z", "2023-12-26T17:00:00Z"])
def test_results_after_a_moment_change_no_feature_row_and_no_forecast_of_it(moment: str) -> None:
    assert_no_leak(pd.Timestamp(moment), 7)


def test_a_leak_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "FULL_TIME", timedelta(minutes=-1))
    early = lived(league.some(Matches, SEASONS), league.some(Appearances, SEASONS))
    monkeypatch.setitem(globals(), "as_it_was", lambda: early)
    with pytest.raises(AssertionError):
        assert_no_leak(pd.Timestamp("2023-12-26T14:59:30Z"), 7)


@pytest.mark.slow
def test_results_after_a_moment_change_no_walk_forward_forecast_before_it() -> None:
    moment = pd.Timestamp("2024-02-01T00:00Z")
    walks = [evaluate(OutcomeRecipe(QUICK), world.features).walks for world in (as_it_was(), otherwise(moment, 7))]
    for name, walk in walks[0].items():
        ours, theirs = walk.forecasts, walks[1][name].forecasts
        before = ours["kickoff"] < moment
        assert before.sum() > 500
        assert ours.loc[before, ["H", "D", "A"]].equals(theirs.loc[before, ["H", "D", "A"]]), name
        assert not ours.loc[~before, ["H", "D", "A"]].equals(theirs.loc[~before, ["H", "D", "A"]]), name


def test_an_altered_result_reaches_the_forecasts_of_the_next_fit_only() -> None:
    rows = as_it_was().features
    altered = rows.copy()
    cut = pd.Timestamp("2023-11-01T00:00Z")
    altered.loc[altered["kickoff"] >= cut, "result"] = 1
    ours, theirs = (
        walk_forward(table, baselines(rows)["Elo, ordered logit"], ("H", "D", "A"), ["2324"]).forecasts
        for table in (rows, altered)
    )
    same = (ours[["H", "D", "A"]] == theirs[["H", "D", "A"]]).all(axis=1)
    heard = (rows.loc[rows["kickoff"] >= cut, "kickoff"] + FULL_TIME).min()
    first = ours.loc[ours["refit"] >= heard, "refit"].min()
    assert same.equals(ours["refit"] < first)
