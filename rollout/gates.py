"""Approval gates: what a person must approve before a rollout goes on."""

from rollout.spec import PromotionPolicy, ShadowStep, Spec, TrafficStep
from rollout.state import Phase, State

PROMOTION = "promotion"
"""The last gate before the promotion."""
BAKE = "bake"
"""In an approval: the bake may end now. Nothing waits for it."""


def gate_after(spec: Spec, state: State) -> str:
    """Name of the gate at the end of the current step, such as `1/25`.

    It begins with the attempt, so that an approval of an earlier attempt opens nothing.
    """
    return f"{state.attempt}/{_position(spec, state)}"


def bake_gate(state: State) -> str:
    """What a person approves to end the bake before its time."""
    return f"{state.attempt}/{BAKE}"


def needs_approval(spec: Spec, state: State, step: ShadowStep | TrafficStep) -> bool:
    """Whether a person must approve what follows the current step."""
    last = _position(spec, state) == PROMOTION
    return step.approval or (last and spec.promotion is PromotionPolicy.MANUAL)


def _position(spec: Spec, state: State) -> str:
    if state.phase is Phase.SHADOW:
        return "shadow"
    return PROMOTION if state.step == len(spec.steps) - 1 else str(state.weight)
