"""Error budget of a rollout: which checks each step makes, and its share of the chance to fail a good candidate."""

ALPHA = 0.05
"""Chance that a whole rollout fails a candidate that is within every limit."""

SHADOW = ("predictions", "history", "replay", "restarts")
"""Checks made before any user sees the candidate."""

TRAFFIC = ("errors", "latency", "predictions", "features", "skill", "restarts")
"""Checks made while the candidate answers users."""

CHECK_NAMES = tuple(sorted({*SHADOW, *TRAFFIC}))
"""All checks. Each one is a file in `checks/`."""

SHADOW_SHARE = 0.6
"""Part of alpha that the shadow step has. Its one look at past weeks has five sixths of that, 0.025 of 0.05: with less,
a candidate that is worse by three standard errors would be missed in more than one case of five. Traffic needs little,
because its evidence grows with every request.
"""


def step_alphas(traffic_steps: int, *, shadow: bool = True, alpha: float = ALPHA) -> tuple[float, ...]:
    """Alpha of each step, the shadow step first. They sum to alpha; what a step does not use is not passed on."""
    first = (SHADOW_SHARE * alpha,) if shadow else ()
    rest = alpha - sum(first)
    return (*first, *[rest / traffic_steps] * traffic_steps)
