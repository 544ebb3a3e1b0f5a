"""Stages of a promotion: their order, and what undoes them."""

from typing import Any

import pytest

from rollout.state import Phase, PromotionStage
from rollout.state_machine import advance
from tests.rollout.states import NOW, facts, spec, state


@pytest.mark.parametrize(
    ("stage", "phase", "following"),
    [
        (PromotionStage.SHIFT, Phase.ROLLING_BACK, None),
        (PromotionStage.ALIAS, Phase.PROMOTING, PromotionStage.UNDO),
        (PromotionStage.SERVICE, Phase.PROMOTING, PromotionStage.UNDO),
        (PromotionStage.UNDO, Phase.PROMOTING, PromotionStage.UNDO),
    ],
)
def test_a_promotion_that_takes_too_long_is_undone(
    stage: PromotionStage, phase: Phase, following: PromotionStage | None
) -> None:
    before = state(Phase.PROMOTING, stage=stage, since=NOW - 121, weight=100)
    after = advance(spec(), before, facts(done=False, problem="it hangs"))
    assert (after.phase, after.stage) == (phase, following)
    if stage is not PromotionStage.UNDO:
        assert "it hangs" in after.reason
    early = advance(spec(), before.model_copy(update={"since": NOW - 119}), facts(done=False, problem="it hangs"))
    assert (early.phase, early.stage) == (Phase.PROMOTING, stage)


def test_the_stages_of_a_promotion_come_in_order(verdict: Any) -> None:
    now = state(Phase.PROMOTING, stage=PromotionStage.SHIFT)
    stages = []
    for _ in range(3):
        stages.append(now.stage)
        now = advance(spec(), now, facts())
    assert (
        stages == [PromotionStage.SHIFT, PromotionStage.ALIAS, PromotionStage.SERVICE] and now.phase is Phase.PROMOTED
    )
