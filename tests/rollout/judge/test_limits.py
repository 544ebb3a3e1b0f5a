"""JudgeLimits are read from a resource, and a mistake is named."""

import re

import pytest

from matchday.errors import MatchdayError
from rollout.judge import JudgeLimits


def test_limits_are_read_as_they_are_written():
    limits = JudgeLimits(errors=0.01, min_requests=200, required=("errors", "skill"))
    assert limits.to_dict()["minRequests"] == 200
    assert JudgeLimits.from_dict(limits.to_dict()) == limits
    assert JudgeLimits.from_dict({}) == JudgeLimits()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"eror": 0.1}, "'eror' is no limit; there are errors, incomplete"),
        ({"latency_floor": 0.1}, "'latency_floor' is no limit"),
        ({"errors": "many"}, "errors is 'many', not a number"),
        ({"errors": True}, "errors is True, not a number"),
        ({"errors": float("nan")}, "errors is nan, not a number"),
        ({"errors": 0}, "errors is 0; it is above 0 and below 1"),
        ({"errors": 5}, "errors is 5; it is above 0 and below 1"),
        ({"latency": 0.9}, "latency is 0.9; a ratio to stable is at least 1"),
        ({"latencyFloor": -1}, "latencyFloor is -1; it is not negative"),
        ({"skillMargin": -0.1}, "skillMargin is -0.1; it is not negative"),
        ({"minRequests": 1}, "minRequests is 1; a sample is a whole number from 2"),
        ({"minPairs": 99.5}, "minPairs is 99.5; a sample is a whole number from 2"),
        ({"warmRequests": -1}, "warmRequests is -1; a count is a whole number from 0"),
        ({"missed": 1}, "missed is 1; it is above 0 and below 1"),
        ({"missed": 0.5}, "missed is 0.5; a chance above 0.4 is no evidence"),
        ({"required": "errors"}, "required is 'errors', not a list of checks"),
        ({"required": ["volume"]}, "required names 'volume', which is no check: errors, "),
    ],
)
def test_a_mistake_is_named(given, said):
    with pytest.raises(MatchdayError, match=re.escape(said)):
        JudgeLimits.from_dict(given)
