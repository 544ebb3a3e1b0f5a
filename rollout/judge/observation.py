"""Observation of two versions in the same window: request counts, latencies, paired forecasts, paired scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rollout.judge.arrays import FloatArray
from rollout.judge.cohort import Cohort, Histogram
from rollout.judge.dispersion import ErrorBlocks
from rollout.judge.gateway_failures import GatewayFailures
from rollout.judge.restarts import Restarts


@dataclass(frozen=True, eq=False)
class Pairs:
    """Forecasts of both versions for the same rows: (n, k) each, NaN where a version gave no number.

    k classes with their probabilities, or k = 1 for a number such as goals. entities: those of each row, such as its
    two teams; empty when they are not known. Raises ValueError for other shapes.
    """

    stable: FloatArray
    canary: FloatArray
    entities: Sequence[Sequence[str]] = ()

    def __post_init__(self) -> None:
        if np.ndim(self.stable) != 2 or np.shape(self.stable) != np.shape(self.canary):
            raise ValueError(f"pairs are (n, k) each, not {np.shape(self.stable)} and {np.shape(self.canary)}")
        if len(self.entities) not in (0, len(self.stable)):
            raise ValueError(f"{len(self.stable)} rows have {len(self.entities)} lists of entities")


class ServerLatencies(NamedTuple):
    """Durations by server of each version, in this window."""

    stable: tuple[Histogram, ...] = ()
    canary: tuple[Histogram, ...] = ()


@dataclass(frozen=True, eq=False)
class Observation:
    """All data for a judgement; None where a source has none.

    skill: (n,) score of canary minus stable on matches that both forecast, lower is better; looked at repeatedly.
    history: (n,) the same for walk-forward forecasts of past weeks; looked at once, before any traffic. classes: names
    of the columns of `pairs`, for people. largest_score: of one match, where 0 is the best; None when the score has no
    largest value. unreadable: check -> why its newest data could not be read; such a check does not pass, while one
    whose data is absent may be left out. restarts: of the candidate's servers. gateway: failed requests as the gateway
    counted them, None where it counts none. blocks: of errors, for their dispersion; None where errors are taken as
    independent. servers: latency by server; empty where only the sums are known.
    """

    stable: Cohort = field(default_factory=Cohort)
    canary: Cohort = field(default_factory=Cohort)
    pairs: Pairs | None = None
    skill: FloatArray | None = None
    history: FloatArray | None = None
    classes: tuple[str, ...] = ()
    largest_score: float | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    restarts: Restarts | None = None
    gateway: GatewayFailures | None = None
    blocks: ErrorBlocks | None = None
    servers: ServerLatencies = field(default_factory=ServerLatencies)
