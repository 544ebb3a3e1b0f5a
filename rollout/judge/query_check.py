"""Checks that a specification adds by PromQL: a rate judged as errors are, or a number compared with its limit."""

from dataclasses import replace
from functools import partial

import numpy as np

from rollout.judge.check import JudgeCheck
from rollout.judge.effect import Effect
from rollout.judge.limits import JudgeLimits
from rollout.judge.observation import Observation
from rollout.judge.queried import QueriedCheck, QueriedCounts, QueriedNumber
from rollout.judge.rate_effect import Share, rate_effect

COUNTED_UNITS, NUMBER_UNITS = "of what the query counts", "numbers from the query"


def query_check(asked: QueriedCheck) -> JudgeCheck:
    """The check of one query. A number has no share of alpha: no statistics are made of it."""
    weight = int(isinstance(asked.result, QueriedCounts))
    return JudgeCheck(asked.name, partial(_measure, asked), weight)


def _measure(asked: QueriedCheck, observation: Observation, limits: JudgeLimits, alpha: float) -> list[Effect]:
    if isinstance(asked.result, QueriedCounts):
        return [_rate(asked, asked.result, limits, alpha)]
    return [_number(asked, asked.result)]


def _rate(asked: QueriedCheck, counts: QueriedCounts, limits: JudgeLimits, alpha: float) -> Effect:
    """Difference of the rates of events, by the test and with the clusters of the check `errors`."""
    tested = counts.stable, counts.canary
    before, now = (Share(round(float(np.asarray(hits))), round(float(np.asarray(n)))) for hits, n in tested)
    if min(before.n, now.n):
        tested = counts.blocks.effective(*tested)
    effect = rate_effect(before, now, asked.limit, limits, alpha, "of what the query counts", tested)
    return replace(effect, units=COUNTED_UNITS)


def _number(asked: QueriedCheck, number: QueriedNumber) -> Effect:
    """A number above the limit holds the canary up, and fails it once it has stayed there for long enough."""
    value = number.value
    if value is None:
        return _effect(asked, 0, asked.limit, (asked.limit, asked.limit), "no number yet")
    if value <= asked.limit:
        return _effect(asked, 1, value, (value, value), f"the query gives {value:g}")
    stayed = f"the query gives {value:g}, above the limit for {number.beyond:.0f} of {asked.seconds:g} s"
    low = value if number.beyond >= asked.seconds else asked.limit
    return _effect(asked, 1, value, (low, value), stayed)


def _effect(asked: QueriedCheck, n: int, estimate: float, interval: tuple[float, float], summary: str) -> Effect:
    return Effect(
        n=n,
        minimum=1,
        estimate=estimate,
        interval=interval,
        limit=asked.limit,
        summary=summary,
        render=lambda number: f"{number:g}",
        units=NUMBER_UNITS,
        decides=lambda times: False,
    )
