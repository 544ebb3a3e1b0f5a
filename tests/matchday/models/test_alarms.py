"""Alarms: scores that are too good to be true keep a model from the registry."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from matchday.backtest import Walk
from matchday.models.alarms import ALARMS, raise_alarms
from matchday.models.evaluation import Evaluation
from matchday.models.gate import judge
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.reported import LATEST, SEASONS
from matchday.scores.outcome import CLASSES, accuracy, ranked_probability

TRUTH = np.array([0.44, 0.24, 0.32])


@cache
def honest() -> Walk:
    """As good as a model without odds: RPS near .2 on as many matches as are reported."""
    random = np.random.default_rng(5)
    rows = pd.DataFrame({"season": np.repeat(SEASONS, 380)})
    rows["match_id"] = rows["season"] + "-" + rows.groupby("season").cumcount().astype(str)
    tilt = random.normal(0, 0.55, len(rows))
    said = TRUTH * np.exp(np.outer(tilt, [1, 0, -1]))
    said /= said.sum(axis=1, keepdims=True)
    rows["result"] = (random.random(len(rows))[:, None] > said.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    rows[list(CLASSES)] = said
    return Walk(rows, CLASSES)


def leaking(walk: Walk, share: float) -> Walk:
    """A share of every forecast is what happened."""
    mixed = (1 - share) * walk.numbers + share * np.eye(3)[walk.results]
    return Walk(walk.forecasts.assign(**dict(zip(CLASSES, mixed.T, strict=True))), CLASSES)


def evaluation(walk: Walk) -> Evaluation:
    base = walk.forecasts.assign(**dict(zip(CLASSES, TRUTH, strict=True)))
    baselines = {name: Walk(base, CLASSES) for name in MATCH_OUTCOME.gate.beats}
    return Evaluation(MATCH_OUTCOME, {MATCH_OUTCOME.name: walk, **baselines})


def rps(walk: Walk) -> float:
    return float(ranked_probability(walk.numbers, walk.results).mean())


def test_an_honest_model_raises_none() -> None:
    assert 0.1968 < rps(honest()) < 0.21
    assert raise_alarms(evaluation(honest())) == ()
    assert judge(evaluation(honest())).passed


def test_a_model_that_beats_the_closing_odds_raises_one_and_is_kept_out() -> None:
    """A hundredth of the truth or so: no accuracy would tell."""
    share = next(share for share in np.linspace(0, 0.2, 81) if rps(leaking(honest(), share)) < 0.1968)
    found = evaluation(leaking(honest(), share + 0.0025))
    assert accuracy(found.own.numbers, found.own.results).mean() < 0.56
    said = raise_alarms(found)
    assert "is below that of the closing odds (0.1968) on 2,660 matches of 1920 to 2526: look for a leak" in said[0]
    verdict = judge(found)
    assert not verdict.passed
    assert set(said) <= set(verdict.reasons)


def test_an_accuracy_above_56_percent_raises_one() -> None:
    walk = leaking(honest(), 0.1)
    assert accuracy(walk.numbers, walk.results).mean() > 0.56
    assert any("accuracy" in said and "is above 0.56" in said for said in raise_alarms(evaluation(walk)))


def test_the_latest_seasons_have_an_alarm_of_their_own() -> None:
    """Those that the gate walks."""
    late = Walk(honest().forecasts[honest().forecasts["season"].isin(LATEST)], CLASSES)
    assert raise_alarms(evaluation(late)) == ()
    found = raise_alarms(evaluation(leaking(late, 0.06)))
    assert any("(0.1938) on 1,140 matches" in said for said in found)


def test_fewer_matches_raise_none() -> None:
    few = Walk(honest().forecasts.tail(1139), CLASSES)
    assert raise_alarms(evaluation(leaking(few, 0.5))) == ()


def test_alarms_are_of_the_seasons_that_are_reported() -> None:
    assert [(one.first, one.last, one.matches) for one in ALARMS[MATCH_OUTCOME.name]] == [
        (SEASONS[0], SEASONS[-1], 380 * len(SEASONS)),
        (LATEST[0], LATEST[-1], 380 * len(LATEST)),
    ]


def test_a_model_without_alarms_raises_none() -> None:
    other = Evaluation(replace(MATCH_OUTCOME, name="other"), {"other": leaking(honest(), 0.5)})
    assert raise_alarms(other) == ()
