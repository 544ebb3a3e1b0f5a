"""`matchday experiments ...` and `matchday tune ...`."""

from pathlib import Path

import numpy as np
import pytest

from console.operations import experiments, tuning
from matchday.experiments.candidate import Candidate
from matchday.experiments.questions import Question
from matchday.settings import Settings
from matchday.tuning.outcome import SERVED, SPACE
from tests.console.conftest import RunCommand
from tests.matchday.experiments.test_questions import walk
from tests.registries import prepare

ASKED = Question(
    "decay",
    "How fast?",
    (
        Candidate("match-outcome", {"decay": 1}, lambda league: walk(np.array([0.5] * 3))),
        Candidate("slower", {"decay": 2}, lambda league: walk(np.array([0.6, 0.7, 0.6]))),
    ),
)


@pytest.fixture
def asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question, whose candidates cost nothing, and an empty registry."""
    prepare(Settings().tracking_uri)
    monkeypatch.setattr(experiments, "QUESTIONS", {"decay": ASKED})
    monkeypatch.setattr(experiments, "question", lambda name: ASKED)
    monkeypatch.setattr(experiments.League, "load", lambda snapshot: None)


def test_candidates_are_walked_once_and_ranked_again_later(asked: None, matchday: RunCommand, tmp_path: Path) -> None:
    before = matchday("experiments")
    assert before.code == 0
    assert "nothing was recorded yet; run: matchday experiments run decay" in before.stdout
    page = tmp_path / "docs" / "page.md"
    ended = matchday("experiments", "run", "decay", "--page", str(page))
    assert (ended.code, ended.stderr) == (0, "")
    again = matchday("experiments")
    rows = [line.split() for line in again.stdout.splitlines() if line.startswith(("slower", "match-outcome"))]
    assert [row[0] for row in rows] == ["slower", "match-outcome"]
    assert rows[0][2].startswith("-0.0")
    assert rows[1][1] == "(base)"
    assert "| match-outcome (base) |" in page.read_text()
    for row in rows[0]:
        assert row in ended.stdout


def test_an_unknown_question_is_one_line(home: Path, matchday: RunCommand) -> None:
    assert "no question 'weather'" in matchday("experiments", "run", "weather").refusal


class Parabola:
    """In place of the objective that walks three seasons."""

    study_name = "parabola"

    def __call__(self, trial: object) -> float:
        """Least at the lower end of the decay."""
        values = {
            name: trial.suggest_float(name, one.low, one.high, log=one.log)  # type: ignore[attr-defined]
            for name, one in SPACE.items()
        }
        return values["decay"]


def test_tuning_prints_the_best_settings_beside_those_of_today_and_goes_on(
    home: Path, matchday: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning.OutcomeObjective, "load", lambda snapshot: Parabola())
    first = matchday("tune", "outcome", "--trials", "3")
    assert (first.code, first.stderr) == (0, "")
    assert "parabola: 3 completed, 0 pruned, 0 failed" in first.stdout
    second = matchday("tune", "outcome", "--trials", "4")
    assert second.stdout.splitlines()[0].startswith("  4 completed, 0 pruned, best 0.00")
    assert f"RPS of 2016/17 to 2018/19: {SERVED['decay']:.5f} as served" in second.stdout
    assert (home / "studies.db").exists()


def test_a_database_that_is_not_there_is_one_line(
    home: Path, matchday: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning.OutcomeObjective, "load", lambda snapshot: Parabola())
    monkeypatch.setenv("MATCHDAY_STUDIES", "postgresql://nobody:secret@127.0.0.1:1/studies")
    refusal = matchday("tune", "outcome", "--trials", "1").refusal
    assert "the study parabola cannot be opened" in refusal
    assert "secret" not in refusal
