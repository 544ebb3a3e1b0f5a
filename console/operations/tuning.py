"""Search of settings of match-outcome, on seasons before the reported ones."""

import multiprocessing
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from matchday.tuning.error import TuningError
from matchday.tuning.outcome import SERVED, OutcomeObjective
from matchday.tuning.study import Progress, count, open_study, work


@dataclass(frozen=True)
class TuningResult:
    """study: its name. served, best: mean RPS under the settings of today, and the least. settings: of the best."""

    study: str
    progress: Progress
    served: float
    best: float
    settings: Mapping[str, float]


def tune_outcome(trials: int, jobs: int = 1, report: Callable[[Progress], None] | None = None) -> TuningResult:
    """Search until so many trials are completed in all, earlier runs and other processes included.

    jobs: processes here that share the study. Nothing is changed: what is served is set by hand. Raises TuningError.
    """
    settings = Settings()
    settings.make_home()
    objective = OutcomeObjective.load(Snapshot(settings.snapshot))
    study = open_study(settings.studies, objective.study_name, SERVED)
    start = multiprocessing.get_context("spawn")
    others = [start.Process(target=_work_aside, args=(trials,)) for _ in range(jobs - 1)]
    for other in others:
        other.start()
    try:
        work(study, objective, trials, report)
        for other in others:
            other.join()
    finally:
        for other in others:
            other.kill()
    if failed := [other.exitcode for other in others if other.exitcode]:
        raise TuningError(f"{len(failed)} of {jobs} processes failed, the first with exit code {failed[0]}")
    first = next((trial.value for trial in study.trials if trial.value is not None and trial.params == SERVED), None)
    if first is None:
        raise TuningError("the served settings were not tried to their end, so there is nothing to compare with: go on")
    return TuningResult(study.study_name, count(study), first, study.best_value, study.best_params)


def _work_aside(trials: int) -> None:
    settings = Settings()
    objective = OutcomeObjective.load(Snapshot(settings.snapshot))
    work(open_study(settings.studies, objective.study_name, SERVED), objective, trials)
