"""A persistent Optuna study that several processes share and that goes on after a kill.

A process that works on a trial sends heartbeats. One that is killed leaves its trial running; once its heartbeats have
stopped for the grace period, whoever works on the study marks it failed and queues its parameters again. So many
trials are asked for in all, whoever completes them: a trial that would be one too many withdraws before it begins.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.study import Study
from optuna.trial import Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from matchday.tuning.error import TuningError

SEED = 7
PRUNED_FROM = 8
"""Completed trials before the first is pruned."""
SQLITE_SECONDS = 60
"""How long a process waits for another one that writes to the same SQLite file."""
ATTEMPTS = 4
"""To open a database: of two processes that make its tables at once, one fails."""
PAUSE = 0.2
"""Seconds between looks at the trials of other processes."""

Objective = Callable[[Trial], float]


class WithdrawnError(Exception):
    """A trial that would be one too many."""


@dataclass(frozen=True)
class Heartbeat:
    """every, grace: seconds between the signs of life of a trial, and after the last until it counts as dead."""

    every: int = 5
    grace: int = 30


@dataclass(frozen=True)
class Progress:
    """Trials of a study by what became of them. failed: those that were killed or withdrew. best: least value."""

    completed: int
    pruned: int
    failed: int
    best: float | None


def open_study(url: str, name: str, first: Mapping[str, float], heartbeat: Heartbeat | None = None) -> Study:
    """The study of a name, made if it is not there.

    url: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`. first: parameters of the first trial. Raises
    TuningError where the database cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for attempt in range(ATTEMPTS):
        try:
            with _quiet():
                storage = _open_storage(url, heartbeat or Heartbeat())
                pruner = MedianPruner(n_startup_trials=PRUNED_FROM)
                study = optuna.create_study(storage=storage, study_name=name, pruner=pruner, load_if_exists=True)
                study.enqueue_trial(dict(first), skip_if_exists=True)
                return study
        except (SQLAlchemyError, OSError) as error:
            why = error
            time.sleep(PAUSE * attempt)
    raise TuningError(f"the study {name} cannot be opened: {str(why).splitlines()[0]}") from why


def _open_storage(url: str, beat: Heartbeat) -> RDBStorage:
    arguments = {"timeout": SQLITE_SECONDS} if url.startswith("sqlite:") else {}
    return RDBStorage(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        engine_kwargs={"connect_args": arguments, "pool_pre_ping": True},
        heartbeat_interval=beat.every,
        grace_period=beat.grace,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
    )


def work(study: Study, objective: Objective, trials: int, report: Callable[[Progress], None] | None = None) -> Progress:
    """Run trials until so many are completed in all; those of other processes and of earlier runs count.

    Pruned trials do not count. The seed of a trial is `SEED` plus the number of trials before it, so that a search that
    is interrupted goes on as it would have. report is called after each trial of this process.
    """

    def admitted(trial: Trial) -> float:
        before = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        done = sum(one.state == TrialState.COMPLETE for one in before)
        ahead = sum(not one.state.is_finished() and one.number < trial.number for one in before)
        if done + ahead >= trials:
            raise WithdrawnError
        return objective(trial)

    with _quiet():
        while (now := count(study)).completed < trials:
            fail_stale_trials(study)
            found = study.get_trials(deepcopy=False)
            if now.completed + sum(one.state == TrialState.RUNNING for one in found) >= trials:
                time.sleep(PAUSE)
                continue
            study.sampler = TPESampler(seed=SEED + len(found))
            study.optimize(admitted, n_trials=1, catch=(WithdrawnError,))
            if report:
                report(count(study))
    return now


def count(study: Study) -> Progress:
    """How the study stands."""
    trials = study.get_trials(deepcopy=False)
    states = [one.state for one in trials]
    values = [one.value for one in trials if one.state == TrialState.COMPLETE and one.value is not None]
    return Progress(
        completed=states.count(TrialState.COMPLETE),
        pruned=states.count(TrialState.PRUNED),
        failed=states.count(TrialState.FAIL),
        best=min(values, default=None),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Heartbeats are called experimental by Optuna, and a trial that withdraws is no reason for a log line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        yield
