"""Experiments: their candidates, what is recorded of them, and how they are ranked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matchday.backtest import Walk
from matchday.experiments import candidate
from matchday.experiments.candidate import Candidate, League, choose_by_past
from matchday.experiments.questions import QUESTIONS, UnknownQuestionError, question
from matchday.experiments.ranking import rank, tell_run
from matchday.model_cards.experiments import experiments_page
from matchday.registry.trials import Trials
from matchday.scores.outcome import CLASSES, ranked_probability
from tests import league
from tests.registries import prepare

SEASONS = ("2223", "2324", "2425")


def walk(said: np.ndarray, seasons: tuple[str, ...] = SEASONS, each: int = 40) -> Walk:
    """Home wins throughout. said: probability of them, of each season."""
    season = np.repeat(seasons, each)
    rows = pd.DataFrame({"season": season, "match_id": [f"{one}-{i}" for i, one in enumerate(season)], "result": 0})
    rows["kickoff"] = pd.Timestamp("2022-08-01", tz="UTC") + pd.to_timedelta(np.arange(len(rows)) * 3, "D")
    home = np.repeat(said, each)
    rows[list(CLASSES)] = np.column_stack([home, (1 - home) / 2, (1 - home) / 2])
    return Walk(rows, CLASSES)


def test_a_choice_by_the_past_never_looks_at_the_season_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "SEASONS", SEASONS)
    first, second = walk(np.array([0.5, 0.5, 0.9])), walk(np.array([0.6, 0.4, 0.4]))
    chosen = choose_by_past({"first": first, "second": second}, ranked_probability)
    assert chosen.forecasts.groupby("season")["H"].first().tolist() == [0.5, 0.4, 0.9]


def test_candidates_are_recorded_and_ranked_by_paired_differences(tmp_path: Path) -> None:
    trials = Trials(prepare(f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}").tracking_uri)
    assert trials.runs("decay") == []
    told = {"base": [0.5] * 3, "worse": [0.4] * 3, "better": [0.6, 0.7, 0.6]}
    for position, (name, said) in enumerate(told.items()):
        trials.record("decay", tell_run(name, position, {"decay": said[0]}, walk(np.array(said))), {"git_commit": "x"})
    trials.record("decay", tell_run("worse", 1, {"decay": 0.3}, walk(np.array([0.3] * 3))), {})
    runs = trials.runs("decay")
    assert [(run.name, run.position) for run in runs] == [("base", 0), ("worse", 1), ("better", 2)]
    assert runs[1].params == {"decay": "0.3"}, "the newest"
    assert set(runs[0].metrics) >= {"rps_2223", "rps_2324", "rps_2425", "rps_all", "log_loss_late"}
    ranking = rank(runs)
    assert [one.name for one in ranking] == ["better", "base", "worse"]
    assert [one.base for one in ranking] == [False, True, False]
    gap = ranking[0].gap["all"]
    wanted = ranked_probability(walk(np.array(told["better"])).numbers, np.zeros(120, np.int64)) - ranked_probability(
        walk(np.array(told["base"])).numbers, np.zeros(120, np.int64)
    )
    assert gap.mean == pytest.approx(wanted.mean())
    assert gap.standard_error > 0
    assert ranking[0].matches == {"all": 120, "late": 80}
    page = experiments_page([(QUESTIONS["decay"], ranking), (QUESTIONS["blending"], [])])
    assert "| base (base) |" in page and "Nothing was recorded yet." in page


def test_only_matches_that_all_have_forecast_are_compared() -> None:
    runs = [
        tell_run("base", 0, {}, walk(np.array([0.5] * 3))),
        tell_run("late", 1, {}, walk(np.array([0.5, 0.5, 0.6])).in_season("2425")),
    ]
    assert [one.matches["all"] for one in rank(runs)] == [40, 40]
    assert rank(runs[1:]) == [], "without its base there is nothing to compare with"


def test_an_unknown_question_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UnknownQuestionError, match="no question 'weather'; there are: decay, xg-weight, blending"):
        question("weather")


def test_names_of_candidates_are_their_own_and_the_base_is_first() -> None:
    for one in QUESTIONS.values():
        names = [each.name for each in one.candidates]
        assert len(names) == len(set(names))
        assert names[0] == "match-outcome"


@pytest.fixture(scope="module")
def two_seasons(tmp_path_factory: pytest.TempPathFactory) -> League:
    return League.load(league.bundled(tmp_path_factory.mktemp("history"), ("2425", "2526")))


CANDIDATES = {(one.name, each.name): each for one in QUESTIONS.values() for each in one.candidates}


@pytest.mark.parametrize(
    "key",
    [
        ("decay", "best of its past, each season"),
        ("xg-weight", "goals alone"),
        ("blending", "corrected by XGBoost"),
        ("blending", "pool of match_outcome_v1"),
        ("blending", "stack of four"),
        ("blending", "mean of four"),
        ("line-ups", "minutes of player-points"),
        ("line-ups", "recent minutes"),
        ("calibration", "none"),
        ("calibration", "Dirichlet"),
        ("calibration", "isotonic"),
        ("calibration", "two parameters, no penalty"),
        ("calibration", "shift of the draw alone"),
    ],
)
def test_every_candidate_forecasts_the_last_season(
    key: tuple[str, str], two_seasons: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("candidate", "questions"):
        monkeypatch.setattr(f"matchday.experiments.{module}.SEASONS", ("2526",))
    one: Candidate = CANDIDATES[key]
    found = one.walk(two_seasons)
    assert len(found.results) == 380
    assert np.allclose(found.numbers.sum(axis=1), 1)
    assert 0.19 < ranked_probability(found.numbers, found.results).mean() < 0.25
