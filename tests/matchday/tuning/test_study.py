"""Studies that are shared, killed and resumed, on SQLite and on PostgreSQL."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.study import Study
from optuna.trial import TrialState

from matchday.settings import REPOSITORY
from matchday.tuning.error import TuningError
from matchday.tuning.study import SEED, count, open_study, work
from tests.matchday.tuning.searches import FIRST, NAME, QUICK, parabola, stopping
from tests.services.postgres import PostgresServer, postgres  # noqa: F401
from tests.waiting import eventually


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'studies.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    yield server.database()


def aside(url: str, trials: int, *more: str) -> subprocess.Popen[bytes]:
    """The same search in another process."""
    command = [sys.executable, "-m", "tests.matchday.tuning.searches", url, str(trials), *more]
    return subprocess.Popen(command, cwd=REPOSITORY)


def opened(url: str) -> Study:
    return open_study(url, NAME, FIRST, QUICK)


def finished(study: Study, state: TrialState) -> list[dict[str, float]]:
    return [trial.params for trial in study.get_trials(states=[state])]


def test_a_killed_trial_is_taken_up_and_so_many_are_completed_in_all(url: str, tmp_path: Path) -> None:
    started = tmp_path / "started"
    process = aside(url, 6, str(started))
    eventually(started.exists, 60)
    process.kill()
    process.wait()
    study = opened(url)
    killed = finished(study, TrialState.RUNNING)
    assert (count(study).completed, len(killed)) == (2, 1)
    work(study, parabola, 6)
    done = finished(study, TrialState.COMPLETE)
    assert len(done) == 6
    assert killed[0] in done
    assert not finished(study, TrialState.RUNNING)
    assert work(study, parabola, 6).completed == 6, "nothing is left to do"
    assert len(finished(study, TrialState.COMPLETE)) == 6


def test_processes_make_and_share_a_study_and_complete_so_many_together(url: str) -> None:
    others = [aside(url, 12) for _ in range(2)]
    study = opened(url)
    work(study, parabola, 12)
    assert [other.wait(60) for other in others] == [0, 0]
    assert count(study).completed == 12
    assert not study.get_trials(states=[TrialState.RUNNING, TrialState.WAITING])


def test_the_first_trial_has_the_settings_of_today_and_is_queued_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    opened(url)
    study = opened(url)
    work(study, parabola, 3)
    assert [trial.params == FIRST for trial in study.trials] == [True, False, False]


def test_an_interrupted_search_goes_on_as_it_would_have(tmp_path: Path) -> None:
    studies = [opened(f"sqlite:///{tmp_path / name}.db") for name in ("whole", "halves")]
    work(studies[0], parabola, 14)
    work(studies[1], parabola, 5)
    work(opened(f"sqlite:///{tmp_path / 'halves'}.db"), parabola, 14)
    whole, halves = ([trial.params["x"] for trial in study.trials] for study in studies)
    assert whole == halves
    assert len(set(whole)) == 14
    assert SEED == 7, "a new seed is another search"


def test_pruned_trials_do_not_count(tmp_path: Path) -> None:
    study = opened(f"sqlite:///{tmp_path / 'studies.db'}")
    told = []
    work(study, stopping, 3, told.append)
    assert (count(study).completed, count(study).pruned) == (3, 2)
    assert [one.completed for one in told] == [1, 1, 2, 2, 3]
    assert told[-1].best == study.best_value


def test_a_database_that_cannot_be_opened_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="the study parabola cannot be opened: ") as why:
        opened(f"sqlite:///{tmp_path / 'nowhere' / 'studies.db'}")
    assert "\n" not in str(why.value)
