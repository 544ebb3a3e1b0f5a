"""Judge of a canary: from what both versions did to a verdict with its reasons and numbers.

Pure functions: no clock, no network, no Kubernetes. A verdict depends on the totals and samples of a window alone, so
a process that stores those can be killed and asked again. `docs/judge.md` lists checks, formulas and defaults.
"""

from rollout.judge import checks as _checks  # noqa: F401, importing them registers them
from rollout.judge.arrays import FloatArray
from rollout.judge.budget import ALPHA, CHECK_NAMES, SHADOW, TRAFFIC, step_alphas
from rollout.judge.check import CHECKS
from rollout.judge.cohort import Cohort, Histogram
from rollout.judge.decide import judge
from rollout.judge.dispersion import ErrorBlocks
from rollout.judge.gateway_failures import GatewayFailures, with_lost_requests
from rollout.judge.limits import JudgeLimits
from rollout.judge.needs import describe_needs, least_rows
from rollout.judge.observation import Observation, ReplayedCohorts, ServerLatencies
from rollout.judge.pairs import Entities, Pairs
from rollout.judge.promoted import judge_promoted
from rollout.judge.queried import QueriedCheck, QueriedCounts, QueriedNumber
from rollout.judge.recent_errors import RecentErrors
from rollout.judge.restarts import Restarts
from rollout.judge.sequential import Hits
from rollout.judge.verdict import Finding, Judgement, Verdict

__all__ = [
    "ALPHA",
    "CHECKS",
    "CHECK_NAMES",
    "SHADOW",
    "TRAFFIC",
    "Cohort",
    "Entities",
    "ErrorBlocks",
    "Finding",
    "FloatArray",
    "GatewayFailures",
    "Histogram",
    "Hits",
    "JudgeLimits",
    "Judgement",
    "Observation",
    "Pairs",
    "QueriedCheck",
    "QueriedCounts",
    "QueriedNumber",
    "RecentErrors",
    "ReplayedCohorts",
    "Restarts",
    "ServerLatencies",
    "Verdict",
    "describe_needs",
    "judge",
    "judge_promoted",
    "least_rows",
    "step_alphas",
    "with_lost_requests",
]
