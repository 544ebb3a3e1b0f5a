"""A search that costs nothing, for tests: here, and as `python -m tests.matchday.tuning.searches URL TRIALS [HOLD]`."""

import sys
import time
from pathlib import Path

import optuna
from optuna.trial import Trial

from matchday.tuning.study import Heartbeat, open_study, work

FIRST = {"x": 0.5}
QUICK = Heartbeat(every=1, grace=2)
NAME = "parabola"


def parabola(trial: Trial) -> float:
    """Least at a third."""
    return (trial.suggest_float("x", 0.0, 1.0) - 1 / 3) ** 2


def stopping(trial: Trial) -> float:
    """Every other trial is pruned."""
    if trial.number % 2:
        raise optuna.TrialPruned
    return parabola(trial)


def main(url: str, trials: str, hold: str = "") -> None:
    """Search. hold: a file that is made when the third trial has its parameters; then that trial never ends."""

    def objective(trial: Trial) -> float:
        value = parabola(trial)
        if hold and trial.number == 2:
            Path(hold).touch()
            time.sleep(600)
        return value

    work(open_study(url, NAME, FIRST, QUICK), objective, int(trials))


if __name__ == "__main__":
    main(*sys.argv[1:])
