"""Wrong for some: a candidate that is right in the mean and wrong for one team fails."""

from itertools import permutations

import numpy as np
import pytest

from rollout.evidence import Evidence
from rollout.judge import Entities, JudgeLimits, Pairs, Verdict, judge
from rollout.judge.divergence import favoured_class
from tests.rollout.judge.cases import forecasts, healthy, retrained

LIMITS = JudgeLimits()
TEAMS = [f"T{number:02}" for number in range(20)]
PAIRINGS = list(permutations(TEAMS, 2))


def swapped(teams: int, seed: int) -> Pairs:
    """Forecasts of a season, with home and away swapped for so many teams."""
    stable = forecasts(len(PAIRINGS), seed)
    canary = retrained(stable, seed=seed + 1)
    wrong = [not set(TEAMS[:teams]).isdisjoint(pairing) for pairing in PAIRINGS]
    canary[wrong] = canary[wrong][:, ::-1]
    return Pairs(stable, canary, Entities.of_rows(PAIRINGS))


@pytest.mark.parametrize("seed", range(100, 105))
def test_one_team_with_home_and_away_swapped_fails_by_its_name(seed: int) -> None:
    found = judge(healthy(pairs=swapped(1, seed)), LIMITS, checks=["predictions"], alpha=0.005)
    assert found.verdict is Verdict.FAIL
    assert "T00" in found.reason
    assert judge(healthy(pairs=swapped(0, seed)), LIMITS, checks=["predictions"]).verdict is Verdict.PASS


def test_without_the_entities_only_the_means_are_judged() -> None:
    pairs = swapped(1, 7)
    found = judge(healthy(pairs=Pairs(pairs.stable, pairs.canary)), LIMITS, checks=["predictions"])
    assert not any(finding.measure.startswith("worst") for finding in found.findings)


def test_rows_without_a_forecast_do_not_shift_the_entities_of_others() -> None:
    pairs = swapped(1, 11)
    pairs.stable[::7] = np.nan
    pairs.canary[3::50] = np.nan
    found = judge(healthy(pairs=pairs), LIMITS, checks=["predictions"])
    assert any("T00" in finding.reason for finding in found.findings if finding.measure.startswith("worst"))


def test_numbers_of_one_player_that_are_far_off_fail() -> None:
    rng = np.random.default_rng(5)
    players = Entities.of_rows([[f"P{index % 10}"] for index in range(500)])
    stable = rng.gamma(2, 2, (500, 1))
    canary = stable + rng.normal(0, 0.1, (500, 1))
    found = judge(healthy(pairs=Pairs(stable, canary, players)), LIMITS, checks=["predictions"])
    assert found.verdict is Verdict.PASS
    canary[::10] = canary[::10][::-1] + 8
    found = judge(healthy(pairs=Pairs(stable, canary, players)), LIMITS, checks=["predictions"])
    worst = [finding for finding in found.findings if finding.measure == "worst distance"]
    assert [finding.verdict for finding in worst] == [Verdict.FAIL]
    assert "P0" in worst[0].reason


def test_names_that_do_not_fit_the_rows_are_refused() -> None:
    rows = forecasts(3)
    with pytest.raises(ValueError, match="3 rows have entities of 2"):
        Pairs(rows, rows, Entities.of_rows([["a"], ["b", "c"]]))


def test_the_favoured_class_is_that_of_argmax_ties_included() -> None:
    rng = np.random.default_rng(8)
    for classes in (2, 3, 5):
        forecasts = rng.integers(0, 4, (classes, 500)) / 4
        assert (favoured_class(forecasts) == forecasts.argmax(axis=0)).all()


@pytest.mark.parametrize("names", [[], [()] * 600, [("A",), ()] * 300])
def test_rows_that_are_about_nobody_are_judged_by_their_means(names: list[tuple[str, ...]]) -> None:
    stable = forecasts(600)
    pairs = Pairs(stable, retrained(stable), Entities.of_rows(names))
    pairs.canary[:3] = np.nan
    found = judge(healthy(pairs=pairs), LIMITS, checks=["predictions"])
    assert not any(finding.measure.startswith("worst") for finding in found.findings)
    again = Evidence.from_text(Evidence(pairs=pairs).to_text()).pairs
    assert again is not None
    assert again.entities.names == pairs.entities.names
