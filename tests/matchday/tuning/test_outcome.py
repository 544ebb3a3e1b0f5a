"""What a trial of match-outcome's search is worth."""

from functools import cache

import numpy as np
import optuna
import pytest

from matchday.features.strength import LeagueStrength
from matchday.models.match_outcome import reported
from matchday.models.match_outcome.settled_goals import Parameters
from matchday.ratings.strength import StrengthState
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tuning import outcome
from matchday.tuning.outcome import SERVED, SPACE, OutcomeObjective, settings


@cache
def objective() -> OutcomeObjective:
    return OutcomeObjective.load(Snapshot(REPOSITORY / "data"))


def test_no_reported_season_is_seen() -> None:
    assert objective().matches["season"].max() < min(reported.SEASONS)
    assert set(objective().teams["season"]) == set(objective().matches["season"])
    assert set(outcome.SEASONS) < set(objective().matches["season"])


def test_the_settings_of_today_are_those_that_are_served() -> None:
    start, parameters = settings(SERVED)
    assert start.strength.decays == pytest.approx(StrengthState().decays)
    assert start.home_edge.decay == LeagueStrength().home_edge.decay
    assert parameters == Parameters()
    assert all(one.low < one.served < one.high for one in SPACE.values())


def test_seasons_are_judged_one_by_one_and_a_hopeless_trial_is_pruned_after_the_first() -> None:
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=0.1))
    trial = study.ask(fixed_distributions={})
    for name, value in SERVED.items():
        trial.storage.set_trial_param(trial._trial_id, name, value, distribution(name))
    trial = optuna.trial.Trial(study, trial._trial_id)
    with pytest.raises(optuna.TrialPruned):
        objective()(trial)
    reached = study.trials[0].intermediate_values
    assert list(reached) == [0]
    assert 0.15 < reached[0] < 0.21


def distribution(name: str) -> optuna.distributions.FloatDistribution:
    one = SPACE[name]
    return optuna.distributions.FloatDistribution(one.low, one.high, log=one.log)


def test_other_data_are_another_study() -> None:
    fewer = OutcomeObjective(objective().matches.iloc[1:], objective().teams)
    assert fewer.study_name != objective().study_name
    assert objective().study_name == OutcomeObjective(objective().matches, objective().teams).study_name


def test_hopeless_settings_are_worth_less_than_those_of_today() -> None:
    worse = {**SERVED, "decay": SPACE["decay"].high, "ridge": SPACE["ridge"].low}
    ours, theirs = (next(iter(objective().losses(chosen))) for chosen in (SERVED, worse))
    assert np.isfinite([ours, theirs]).all()
    assert ours < theirs
