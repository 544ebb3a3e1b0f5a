"""The judge of a canary: what both versions did in, a verdict with its reasons and numbers out.

Pure: no clock, no network, no Kubernetes. Everything is a function of totals and samples of the window, so who stores
those can be killed and asks again as if nothing had happened. `docs/judge.md` has the checks, formulas and defaults.
"""

from rollout.judge import checks as _checks  # noqa: F401, registers them
from rollout.judge.budget import ALPHA, SHADOW, TRAFFIC, step_alphas
from rollout.judge.judging import judge
from rollout.judge.limits import Limits
from rollout.judge.observation import Cohort, Histogram, Observation, Pairs
from rollout.judge.registry import CHECKS
from rollout.judge.verdict import Finding, Judgement, Verdict

__all__ = [
    "ALPHA",
    "CHECKS",
    "SHADOW",
    "TRAFFIC",
    "Cohort",
    "Finding",
    "Histogram",
    "Judgement",
    "Limits",
    "Observation",
    "Pairs",
    "Verdict",
    "judge",
    "step_alphas",
]
