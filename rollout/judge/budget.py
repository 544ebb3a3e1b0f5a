"""How the chance of failing a good candidate is spent over the steps of a rollout."""

ALPHA = 0.05
"""Chance that a whole rollout fails a candidate that is within every limit."""

SHADOW = ("predictions", "history")
"""What is asked before any user sees the candidate."""

TRAFFIC = ("errors", "latency", "predictions", "features", "skill")
"""What is asked while it answers users."""

SHADOW_SHARE = 0.6
"""Of alpha. The one look at the past gets five sixths of it, 0.025 of 0.05: less would miss a candidate that is worse
by three standard errors in more than one case of five. Traffic loses little: there, evidence grows with every request.
"""


def step_alphas(traffic_steps: int, *, shadow: bool = True, alpha: float = ALPHA) -> tuple[float, ...]:
    """The share of each step, the shadow first. They sum to alpha; what a step leaves is not handed on."""
    first = (SHADOW_SHARE * alpha,) if shadow else ()
    rest = alpha - sum(first)
    return (*first, *[rest / traffic_steps] * traffic_steps)
