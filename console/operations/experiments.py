"""Experiments: walk a question's candidates, record them in MLflow, rank what was recorded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matchday.commit import commit
from matchday.experiments.candidate import League
from matchday.experiments.questions import QUESTIONS, Question, question
from matchday.experiments.ranking import Ranked, rank, tell_run
from matchday.model_cards.experiments import experiments_page
from matchday.registry.trials import Trials
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot

EVERY = "all"
"""In place of a question: all of them."""


@dataclass(frozen=True)
class Answer:
    """A question and its candidates, the best first; none where nothing was recorded yet."""

    question: Question
    ranking: Sequence[Ranked]


def run_experiments(name: str, progress: Callable[[str, str], None] | None = None) -> list[Answer]:
    """Walk and record every candidate of a question, or of `EVERY`; returns the new rankings.

    progress is called with the question and the candidate whose walk begins. Raises UnknownQuestionError,
    RegistryError.
    """
    asked = list(QUESTIONS.values()) if name == EVERY else [question(name)]
    settings = Settings()
    settings.make_home()
    league, trials, code = League.load(Snapshot(settings.snapshot)), Trials(settings.tracking_uri), commit()
    for one in asked:
        for position, candidate in enumerate(one.candidates):
            if progress:
                progress(one.name, candidate.name)
            run = tell_run(candidate.name, position, dict(candidate.settings), candidate.walk(league))
            trials.record(one.name, run, {"git_commit": code})
    return [_answer(trials, one) for one in asked]


def rank_experiments(name: str = EVERY) -> list[Answer]:
    """The rankings of what was recorded. Raises UnknownQuestionError, RegistryError."""
    settings = Settings()
    settings.make_home()
    trials = Trials(settings.tracking_uri)
    asked = list(QUESTIONS.values()) if name == EVERY else [question(name)]
    return [_answer(trials, one) for one in asked]


def write_page(answers: Sequence[Answer], page: Path) -> None:
    """Write the rankings as a page of Markdown."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(experiments_page((one.question, one.ranking) for one in answers), encoding="utf-8")


def _answer(trials: Trials, one: Question) -> Answer:
    """Only of candidates that the question still has."""
    named = {candidate.name for candidate in one.candidates}
    return Answer(one, rank([run for run in trials.runs(one.name) if run.name in named]))
