"""The choice of stages, without a cluster: what CI plays, what fits, what depends on what."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday.settings import REPOSITORY
from tests.cluster.plan import STAGES
from tests.cluster.stage import CLEAR_SECONDS, ClusterStage

EACH_TIME_SECONDS = 24 * 60
"""What CI has for the stages that it plays each time, the end included."""


def play_all(
    seconds: float, in_ci: bool = True, stages: Sequence[ClusterStage] = STAGES
) -> tuple[list[ClusterStage], float]:
    """The stages that are played within a budget, each taking as long as it says, and what they take in all."""
    played: list[ClusterStage] = []
    taken = 0.0
    for stage in stages:
        if not stage.reason_to_skip([each.name for each in played], seconds - taken, in_ci):
            played.append(stage)
            taken += stage.seconds
    return played, taken + CLEAR_SECONDS * bool(played)


def test_a_stage_needs_one_that_comes_before_it() -> None:
    names = [stage.name for stage in STAGES]
    assert len(set(names)) == len(names)
    for number, stage in enumerate(STAGES):
        assert stage.needs in ("", *names[:number]), stage.name


def test_with_time_ci_plays_what_it_plays_each_time_and_a_person_plays_everything() -> None:
    assert play_all(math.inf)[0] == [stage for stage in STAGES if stage.each_time]
    assert play_all(math.inf, in_ci=False)[0] == list(STAGES)


def test_what_ci_plays_each_time_needs_nothing_that_it_does_not() -> None:
    each_time = {stage.name for stage in STAGES if stage.each_time}
    assert {stage.needs for stage in STAGES if stage.each_time} <= {"", *each_time}


def test_what_ci_plays_each_time_fits_in_its_share() -> None:
    assert play_all(math.inf)[1] <= EACH_TIME_SECONDS


@given(seconds=st.floats(0, 3000))
def test_a_budget_is_kept_and_nothing_is_played_without_what_it_needs(seconds: float) -> None:
    played, taken = play_all(seconds)
    assert taken <= seconds or not played
    names = [stage.name for stage in played]
    for stage in played:
        assert stage.needs in ("", *names)


@pytest.mark.parametrize(
    ("stage", "played", "seconds_left", "in_ci", "reason"),
    [
        (ClusterStage("a", lambda context: [], 100), [], 1000.0, True, ""),
        (ClusterStage("a", lambda context: [], 100), [], 189.0, True, "it takes 100 s and 90 s to end"),
        (ClusterStage("a", lambda context: [], 100), [], 190.0, True, ""),
        (ClusterStage("a", lambda context: [], 100, needs="b"), ["c"], 1000.0, True, "it needs the stage b"),
        (ClusterStage("a", lambda context: [], 100, needs="b"), ["b"], 1000.0, True, ""),
        (
            ClusterStage("a", lambda context: [], 100, each_time=False),
            [],
            1000.0,
            True,
            "only make cluster-test plays it",
        ),
        (ClusterStage("a", lambda context: [], 100, each_time=False), [], 1000.0, False, ""),
    ],
)
def test_a_skipped_stage_says_why(
    stage: ClusterStage, played: list[str], seconds_left: float, in_ci: bool, reason: str
) -> None:
    assert stage.reason_to_skip(played, seconds_left, in_ci) == reason


def test_the_documentation_names_what_ci_leaves_to_a_person() -> None:
    text = (REPOSITORY / "docs" / "kubernetes.md").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("| only `make cluster-test` |")]
    assert {stage.name for stage in STAGES if not stage.each_time} == set(line.split("|")[2].strip().split("; "))
