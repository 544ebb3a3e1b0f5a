"""A specification that no candidate can pass is refused at the start, with what it would need."""

from pathlib import Path
from typing import Any

import pytest

from matchday.settings import Settings
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.workspace import Workspace
from rollout.feasibility import find_impossible
from rollout.judge import JudgeLimits, Observation, Verdict, judge, least_rows
from rollout.spec import SpecError
from rollout.state import Phase
from tests.rollout.fakes import MemoryStore, RolloutWorld, pairs, sources
from tests.rollout.runs import run
from tests.rollout.states import spec

IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"shadow": {"rows": 100}}, "the limits need at least 349 rows .* and shadow.rows is 100: raise it"),
    ({"shadow": {"rows": 380}, "limits": {"minPairs": 200}}, "at least 400 rows"),
    ({"shadow": None, "limits": {"invalid": 0.001}}, "shadow.rows is 380"),
    ({"limits": {"invalid": 0.00001}}, "more rows than can be asked for"),
    ({"shadow": {"historyWeeks": 0}, "limits": {"required": ["history"]}}, "shadow.historyWeeks is 0"),
    ({"limits": {"required": ["replay"]}}, "limits.required names replay, and shadow.requests and"),
    ({"shadow": {"rows": 0}, "limits": {"required": ["history"]}}, "names history, which the shadow step makes"),
    ({"shadow": None, "limits": {"required": ["replay"]}}, "names replay, which the shadow step makes"),
    ({"shadow": {"requests": 20_000, "perSecond": 1}}, "take about 24000 s, and shadow.deadlineSeconds is 900"),
    ({"shadow": {"requests": 5000, "deadlineSeconds": 60}}, "take about 300 s, and shadow.deadlineSeconds is 60"),
]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"shadow": None},
        {"shadow": {"rows": 100}, "limits": {"required": ["errors"]}},
        {"shadow": {"rows": 250}, "limits": {"invalid": 0.05}},
        {"model": "total-goals"},
        {"shadow": {"requests": 50}, "limits": {"required": ["replay"]}},
        {"shadow": {"mirror": 5}, "limits": {"required": ["replay"]}},
        {"shadow": {"requests": 5000, "deadlineSeconds": 300}},
        {"shadow": {"requests": 50, "perSecond": 0.5}},
        {"model": "of somebody else"},
    ],
)
def test_what_a_candidate_can_pass_is_not_refused(given: dict[str, Any]) -> None:
    assert find_impossible(spec(**given)) == ""


@pytest.mark.parametrize(("given", "said"), IMPOSSIBLE)
def test_what_no_candidate_can_pass_is_refused_with_what_it_needs(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    world = RolloutWorld()
    store = MemoryStore(world)
    run(spec(**given), world, store, rounds=3)
    assert store.state.phase is Phase.REFUSED and not world.marked
    with pytest.raises(SpecError, match=said):
        Workspace(Settings(home=tmp_path), RolloutSettings()).check_can_start(spec(**given), sources(world).versions)


def test_a_panel_that_is_too_small_is_told_what_a_panel_can_do() -> None:
    inputs = [{"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [1.0, 2.0]}]
    said = find_impossible(spec(storageUri="s3://b/8", panel=[{"inputs": inputs}]))
    assert "at least 349 rows" in said and "the panel has 2: add rows" in said and "up to 1000" not in said


@pytest.mark.parametrize("limits", [JudgeLimits(), JudgeLimits(invalid=0.03, missed=0.2), JudgeLimits(min_pairs=220)])
def test_with_the_least_rows_the_same_forecasts_pass_and_with_one_less_they_do_not(limits: JudgeLimits) -> None:
    least = least_rows(limits, 3)
    assert least is not None
    enough, few = (judge(Observation(pairs=pairs(n)), limits, checks=["predictions"]) for n in (least, least - 1))
    assert (enough.verdict, few.verdict) == (Verdict.PASS, Verdict.WAIT)
