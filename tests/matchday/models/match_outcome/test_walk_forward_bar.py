"""How good the forecasts are on the 1,140 matches of 2023/24 to 2025/26, each forecast in ignorance of the future."""

import pytest

from matchday.models.evaluation import Evaluation, evaluate
from matchday.models.gate import judge
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.recipe import RECIPE
from matchday.tables import Matches
from tests import league

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(RECIPE, league.outcome_features())


def test_the_forecasts_reach_the_bar(evaluation: Evaluation) -> None:
    scores = evaluation.scores()
    assert scores["matches"] == 1140
    assert scores["rps"] <= 0.2010
    assert scores["calibration_error"] < 0.03


def test_they_are_not_too_good_to_be_true(evaluation: Evaluation) -> None:
    assert evaluation.scores()["accuracy"] < 0.56
    assert evaluation.scores()["rps"] > 0.185


@pytest.mark.parametrize("baseline", ["base rate", "Elo, ordered logit"])
def test_they_beat_the_baselines_on_the_same_matches(evaluation: Evaluation, baseline: str) -> None:
    own, other = evaluation.own, evaluation.walks[baseline]
    assert own.forecasts["match_id"].tolist() == other.forecasts["match_id"].tolist()
    for score in ("rps", "log_loss"):
        assert evaluation.scores()[score] < evaluation.scores(baseline)[score]


def test_every_match_of_the_three_seasons_is_forecast_once_by_a_model_fitted_before_it(evaluation: Evaluation) -> None:
    forecasts = evaluation.own.forecasts
    asked = league.some(Matches, ["2324", "2425", "2526"])
    assert sorted(forecasts["match_id"]) == sorted(asked["match_id"])
    assert (forecasts["refit"] <= forecasts["kickoff"]).all()
    assert ((forecasts["kickoff"] - forecasts["refit"]).dt.days < 28).all()


def test_the_model_passes_the_gate(evaluation: Evaluation) -> None:
    assert judge(evaluation).passed, judge(evaluation).reasons


def test_scores_survive_the_disk(evaluation: Evaluation, tmp_path) -> None:
    evaluation.save(tmp_path / "forecasts.parquet")
    again = Evaluation.load(MATCH_OUTCOME, tmp_path / "forecasts.parquet")
    assert again.scoreboard().equals(evaluation.scoreboard())
    assert again.by_season().equals(evaluation.by_season())
    assert again.by_season()["season"].tolist() == ["2324", "2425", "2526"]
