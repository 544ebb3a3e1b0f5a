"""What versions did, made up."""

from typing import Any

import numpy as np

from rollout.judge import Cohort, Histogram, Observation, Pairs
from serving.metrics import SECONDS

ENOUGH = 20_000


def histogram(requests: int, median: float = 0.03, sigma: float = 0.5, tail: float = 1.0, seed: int = 1) -> Histogram:
    """Lognormal latencies; the slowest twentieth takes `tail` times as long."""
    took = median * np.exp(np.random.default_rng(seed).normal(0, sigma, requests))
    slowest = took > median * np.exp(1.645 * sigma)
    took[slowest] *= tail
    return Histogram(SECONDS, tuple(np.bincount(np.searchsorted(SECONDS, took), minlength=len(SECONDS) + 1).tolist()))


def cohort(requests: int = ENOUGH, errors: dict[str, int] | int = 0, slower: float = 1.0, **more: Any) -> Cohort:
    kinds = errors if isinstance(errors, dict) else {"internal_server_error": errors}
    more.setdefault("latency", histogram(requests, 0.03 * slower))
    return Cohort(requests, kinds, **more)


def forecasts(rows: int = 600, seed: int = 2) -> np.ndarray:
    logits = np.random.default_rng(seed).normal((0.5, 0.1, 0.1), (0.7, 0.1, 0.7), (rows, 3))
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def retrained(stable: np.ndarray, apart: float = 0.02, seed: int = 3) -> np.ndarray:
    canary = np.clip(stable + np.random.default_rng(seed).normal(0, apart, stable.shape), 0.01, None)
    return canary / canary.sum(axis=1, keepdims=True)


def pairs(rows: int = 600, apart: float = 0.02) -> Pairs:
    stable = forecasts(rows)
    return Pairs(stable, retrained(stable, apart))


def healthy(**changed: Any) -> Observation:
    """Two versions that do the same, but for what is changed."""
    return Observation(**({"stable": cohort(), "canary": cohort(), "pairs": pairs()} | changed))
