"""Nothing is promoted without a pass or a named approval, whatever is observed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout import window
from rollout.evidence import Evidence
from rollout.facts import Facts
from rollout.judge import Verdict
from rollout.splitter import Readiness
from rollout.state import Commands, Phase, PromotionStage, State
from rollout.state_machine import advance
from tests.rollout.fakes import judgement
from tests.rollout.states import NOW, READY, spec

FACTS = st.builds(
    dict,
    verdict=st.sampled_from(list(Verdict)),
    passed=st.sampled_from([0.0, 1.0, 50.0, 70.0, 700.0]),
    done=st.booleans(),
    stable=st.sampled_from(["1", "1", "1", "", "3"]),
    ready=st.sampled_from([READY, READY, READY, Readiness(False, "silent"), Readiness(False, "dead", True)]),
    opened=st.booleans(),
    paused=st.sampled_from([False, False, False, True]),
    aborted=st.sampled_from([False, False, False, False, True]),
    approved=st.sampled_from(["", "", "1/5", "1/shadow", "1/promotion", "2/promotion"]),
    retry=st.sampled_from([1, 1, 2]),
)


GOOD = {"verdict": Verdict.PASS, "passed": 70.0, "done": True, "stable": "1", "ready": READY, "opened": True}
GOOD |= {"paused": False, "aborted": False, "approved": "1/promotion", "retry": 1}
MOSTLY_GOOD = st.one_of(
    st.just(GOOD),
    st.just(GOOD),
    st.builds(lambda bad, one: GOOD | {one: bad[one]}, FACTS, st.sampled_from(sorted(GOOD))),
    FACTS,
)
"""A good round, one with one thing wrong, or any: so that some rollouts get to their end."""


@settings(max_examples=300)
@given(
    rounds=st.lists(MOSTLY_GOOD, min_size=5, max_size=30),
    promotion=st.sampled_from(["Manual", "Automatic"]),
    undecided=st.sampled_from(["Wait", "Pause", "RollBack"]),
    shadow=st.sampled_from([None, {}, {"approval": True}]),
    bake=st.sampled_from([0, 0, 100]),
)
def test_nothing_is_promoted_without_a_pass_or_a_named_approval_at_every_window(
    rounds: list[dict[str, Any]], promotion: str, undecided: str, shadow: dict[str, Any] | None, bake: int
) -> None:
    steps = [{"weight": weight, "holdSeconds": 60, "deadlineSeconds": 100} for weight in (5, 50)]
    asked = spec(promotion=promotion, undecided=undecided, shadow=shadow, steps=steps, bakeSeconds=bake)
    now, clock = State(), NOW
    with pytest.MonkeyPatch.context() as patch:
        for each in rounds:
            clock += each["passed"]
            verdict = each["verdict"]
            patch.setattr(window, "judge", lambda *_, said=verdict, **__: judgement(said))
            commands = Commands(
                paused=each["paused"], aborted=each["aborted"], approved=each["approved"], retry=each["retry"]
            )
            evidence = Evidence(opened=now.since if each["opened"] else None)
            seen = Facts(
                clock, commands, each["stable"], "2", readiness=each["ready"], done=each["done"], evidence=evidence
            )
            before, now = now, advance(asked, now, seen)
            windows = (Phase.SHADOW, Phase.PROGRESSING)
            onward = now.phase in (Phase.PROGRESSING, Phase.PROMOTING) and (now.phase, now.step) != (
                before.phase,
                before.step,
            )
            if before.phase in windows and onward:
                approved = before.gate != "" and commands.approved == before.gate
                assert approved or verdict is Verdict.PASS
                assert each["ready"].ready and not commands.paused and not commands.aborted
                if now.phase is Phase.PROMOTING and promotion == "Manual":
                    assert approved and before.gate == f"{before.attempt}/promotion"
            if now.phase in (Phase.PROMOTED, Phase.BAKING) and before.phase not in (Phase.PROMOTED, Phase.BAKING):
                assert (before.phase, before.stage) == (Phase.PROMOTING, PromotionStage.SERVICE)
                assert (now.phase is Phase.BAKING) == bool(bake)
            if now.phase is Phase.PROMOTING and before.phase is Phase.BAKING:
                assert now.stage is PromotionStage.UNDO
            elif now.phase is Phase.PROMOTING and before.phase is not Phase.PROMOTING:
                assert before.phase is Phase.PROGRESSING and before.step == len(asked.steps) - 1
