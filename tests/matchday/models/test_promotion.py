"""The rule by which a challenger becomes champion."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as some

from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.promotion import CLEARLY, LEAST_MATCHES, Contender, PromotionDecision, decide

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
VALUES = {"home_elo": "00000000", "away_elo": "11111111"}
OTHER_VALUES = VALUES | {"home_elo": "22222222"}


def contender(version: str, hit: float, matches: int = 400, until: datetime = BEFORE, noise: float = 0.0) -> Contender:
    """Forecasts that give about `hit` to what happened, on matches `0`, `1`, ... ."""
    random = np.random.default_rng(int(version))
    result = np.arange(matches) % 3
    given_to_it = np.clip(hit + noise * random.normal(size=matches), 0.05, 0.9)
    said = np.repeat((1 - given_to_it)[:, None] / 2, 3, axis=1)
    said[np.arange(matches), result] = given_to_it
    rows = pd.DataFrame(said, columns=["H", "D", "A"]).assign(match_id=[str(i) for i in range(matches)], result=result)
    return Contender(version, until, rows, "match_outcome_v1", VALUES)


def judged(champion: Contender | None, challenger: Contender, rewind: bool = False) -> PromotionDecision:
    return decide(MATCH_OUTCOME, champion, challenger, NOW, rewind=rewind)


CHAMPION = contender("1", 0.5)


@pytest.mark.parametrize(
    ("champion", "challenger", "promoted", "reason"),
    [
        (None, contender("1", 0.4), True, "there is no champion yet"),
        (CHAMPION, CHAMPION, False, "version 1 is champion already"),
        (CHAMPION, contender("2", 0.52, noise=0.02), True, "clearly better"),
        (CHAMPION, contender("2", 0.48, noise=0.02), False, "worse"),
        (CHAMPION, contender("2", 0.512, noise=0.1), False, "inconclusive"),
        (CHAMPION, contender("2", 0.5, until=NOW), True, "fresher and as good"),
        (CHAMPION, contender("2", 0.5, until=NOW, noise=0.001), True, "fresher and as good"),
        (CHAMPION, contender("2", 0.48, until=NOW, noise=0.02), False, "worse"),
        (CHAMPION, contender("2", 0.512, until=NOW, noise=0.1), False, "inconclusive"),
        (CHAMPION, contender("2", 0.5), False, "inconclusive"),
        (CHAMPION, contender("2", 0.9, matches=99), False, "inconclusive: 99 of 100 matches"),
    ],
)
def test_decisions(champion: Contender | None, challenger: Contender, promoted: bool, reason: str) -> None:
    decision = judged(champion, challenger)
    assert (decision.promoted, reason in decision.reason) == (promoted, True), decision.reason
    assert decision.reason.count(";") == 0, "the features are the same"


CHANGED = {
    "other values": (replace(CHAMPION, feature_values=OTHER_VALUES), "was trained on other values of home_elo"),
    "a feature less": (replace(CHAMPION, feature_values={"home_elo": "00000000"}), "other values of away_elo"),
    "another service": (
        replace(CHAMPION, feature_service="match_outcome_v0"),
        "reads match_outcome_v0, not match_outc",
    ),
    "registered before values were told": (replace(CHAMPION, feature_values={}), "does not say which values"),
}


@pytest.mark.parametrize("case", CHANGED)
@pytest.mark.parametrize(
    ("challenger", "promoted", "reason"),
    [
        (contender("2", 0.48, noise=0.02), False, "worse: "),
        (contender("2", 0.48, until=NOW, noise=0.02), False, "worse: "),
        (contender("2", 0.512, noise=0.1), False, "inconclusive: "),
        (contender("2", 0.9, matches=99), False, "inconclusive: 99 of 100 matches"),
        (contender("2", 0.5), True, "as good, with the features of now: "),
        (contender("2", 0.52, noise=0.02), True, "clearly better: "),
    ],
    ids=["worse", "worse and fresher", "perhaps worse", "too few matches", "as good", "better"],
)
def test_whose_features_have_changed_is_compared_all_the_same(
    case: str, challenger: Contender, promoted: bool, reason: str
) -> None:
    champion, told = CHANGED[case]
    decision = judged(champion, challenger)
    assert (decision.promoted, decision.reason.startswith(reason)) == (promoted, True), decision.reason
    assert told in decision.reason


def test_many_changed_features_are_counted() -> None:
    many = {f"feature_{i}": "0" * 8 for i in range(9)}
    decision = judged(replace(CHAMPION, feature_values=many), replace(CHAMPION, version="2", feature_values={}))
    assert "feature_0, feature_1, feature_2, feature_3, feature_4 and 4 more" in decision.reason


def test_only_a_registry_of_this_machine_goes_back_in_time() -> None:
    of_later = replace(CHAMPION, trained_until=NOW + timedelta(days=1))
    assert judged(of_later, contender("2", 0.3), rewind=True).promoted
    refused = judged(of_later, contender("2", 0.6))
    assert not refused.promoted
    assert "does not go back in time" in refused.reason


def test_only_matches_that_both_have_forecast_are_compared() -> None:
    longer = contender("2", 0.5, matches=1000)
    longer.forecasts.loc[400:, ["H", "D", "A"]] = 1 / 3
    decision = judged(CHAMPION, longer)
    assert (decision.matches, decision.difference) == (400, pytest.approx(0))
    apart = replace(longer, forecasts=longer.forecasts.iloc[400:])
    assert not judged(CHAMPION, apart).promoted


HITS = some.floats(0.3, 0.7)


@given(
    hit=HITS,
    edge=some.sampled_from([0.0, 0.001, 0.01, 0.05]),
    noise=some.sampled_from([0.0, 0.001, 0.02, 0.2]),
    matches=some.sampled_from([LEAST_MATCHES, 400]),
    seed=some.integers(2, 100),
    fresher=some.booleans(),
    refitted=some.booleans(),
)
@example(hit=0.5, edge=0.0, noise=0.0, matches=400, seed=2, fresher=False, refitted=True)
@example(hit=0.5, edge=0.0, noise=0.0, matches=400, seed=2, fresher=True, refitted=False)
@example(hit=0.5, edge=0.05, noise=0.02, matches=400, seed=2, fresher=False, refitted=False)
def test_who_is_promoted_over_another_is_not_replaced_by_it_again(
    hit: float, edge: float, noise: float, matches: int, seed: int, fresher: bool, refitted: bool
) -> None:
    one = contender("1", hit, matches)
    two = contender(str(seed), hit + edge, matches, NOW if fresher else BEFORE, noise)
    two = replace(two, feature_values=OTHER_VALUES if refitted else VALUES)
    there, back = judged(one, two), judged(two, replace(one, feature_values=two.feature_values))
    event(f"promoted: {there.reason.partition(':')[0]}" if there.promoted else "stays")
    assert there.difference == pytest.approx(-back.difference)
    assert there.standard_error == pytest.approx(back.standard_error)
    if there.promoted and not back.promoted:
        return
    clearly_better = [decision.difference < -CLEARLY * decision.standard_error for decision in (there, back)]
    assert not all(clearly_better)
    if there.promoted:
        # Back again goes only who is clearly better than a version that is worse by less than the margin.
        assert back.reason.startswith("clearly better") and there.difference < MATCH_OUTCOME.score.margin


def test_order_of_the_rows_does_not_matter() -> None:
    challenger = contender("2", 0.55, noise=0.1)
    mixed = replace(challenger, forecasts=challenger.forecasts.sample(frac=1, random_state=0))
    assert judged(CHAMPION, mixed).difference == pytest.approx(judged(CHAMPION, challenger).difference)
