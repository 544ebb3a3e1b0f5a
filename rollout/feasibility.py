"""Specifications that no candidate can pass, told at the start instead of at a deadline."""

import math
from functools import lru_cache

from matchday.models.catalogue import KINDS
from rollout.judge import JudgeLimits, least_rows
from rollout.sources import SLICE_SECONDS
from rollout.spec import COUNTED, FULL_STEP, ShadowStep, Spec

PERIOD_SECONDS = SLICE_SECONDS + 1
"""From one slice of a replay to the next, with an operator's or runner's default time between rounds."""

CLASSES = 3
"""Of a model that is not in the catalogue."""


def find_impossible(spec: Spec) -> str:
    """Why not even a candidate that does the same as the champion can pass, and what to change; empty when one can."""
    if spec.has_full_step:
        return FULL_STEP
    known = (*COUNTED, "predictions") if spec.panel else COUNTED
    if spec.storage_uri and (others := [name for name in spec.limits.required if name not in known]):
        needed = "a panel, or a model registry" if others[0] == "predictions" else "a model registry"
        return f"limits.required names {others[0]}, which needs {needed}, and storageUri is for models without one"
    shadow, required = spec.shadow or ShadowStep(), spec.limits.required
    if not spec.shadow and (unmade := [name for name in ("history", "replay") if name in required]):
        return f"limits.required names {unmade[0]}, which the shadow step makes, and rows: 0 leaves that out"
    if spec.shadow and "history" in required and not shadow.history_weeks:
        return "limits.required names history, and shadow.historyWeeks is 0: raise it, or do not require history"
    if spec.shadow and "replay" in required and not (shadow.requests or shadow.mirror):
        return (
            "limits.required names replay, and shadow.requests and shadow.mirror are 0: raise one of them, or do not "
            "require replay"
        )
    if too_long := _find_long_replay(shadow):
        return too_long
    if "predictions" not in required:
        return ""
    least = _least_rows(spec.limits, len(KINDS[spec.model].output.columns) if spec.model in KINDS else CLASSES)
    rows, place = (spec.panel_rows, "the panel has") if spec.panel else (shadow.rows, "shadow.rows is")
    raised = "add rows" if spec.panel else "raise it (up to 1000)"
    if least is not None and least <= rows:
        return ""
    needed = "more rows than can be asked for" if least is None else f"at least {least} rows"
    return (
        f"predictions can never pass: the limits need {needed} that both versions answer the same, and {place} "
        f"{rows}: {raised}, or limits such as invalid, or do not require predictions"
    )


def _find_long_replay(shadow: ShadowStep) -> str:
    """Why the requests to replay cannot all be made before the deadline; empty when they can."""
    each_slice = max(1, math.floor(shadow.per_second * SLICE_SECONDS))
    seconds = math.ceil(shadow.requests / each_slice) * PERIOD_SECONDS
    if seconds <= shadow.deadline_seconds:
        return ""
    return (
        f"the shadow step cannot end: {shadow.requests} requests at {shadow.per_second:g} a second take about "
        f"{seconds:.0f} s, and shadow.deadlineSeconds is {shadow.deadline_seconds:g}: raise it or perSecond, or replay "
        "fewer"
    )


@lru_cache(maxsize=64)
def _least_rows(limits: JudgeLimits, classes: int) -> int | None:
    return least_rows(limits, classes)
