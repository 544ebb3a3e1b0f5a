"""One-sided tests of a difference of rates, valid at every look: does the canary exceed stable by more than a limit?

Two null hypotheses, for two independent streams of Bernoulli outcomes with rates a (stable) and b (canary):

- to fail the canary, `exceeds` tests b - a <= limit;
- to pass it, `stays_within` tests b - a >= limit.

Each has an e-process against alternatives that are fixed before the data (Turner, Ly and Gruenwald 2024, "Generic
E-variables for exact sequential k-sample tests that allow for optional stopping", Statistical Planning and Inference
230): against a boundary point (t, t + limit), the alternative is the pair of rates (a, b) with a given difference
whose projection on the null is that point, when a share w of the requests goes to the canary; `_project_back` is
that condition, n_a (t - a) / (t (1 - t)) = n_b (b - t - limit) / ((t + limit) (1 - t - limit)), solved for a.
Alternatives for several shares and differences are mixed, with two beta-binomial mixtures for what they do not
foresee.

Stable's rate is unknown, so the unit interval is cut into cells that do not depend on the data. In the cell that
holds the true rate, the mixture's likelihood over the true one is a non-negative martingale that starts at 1,
however requests are split. The null's largest likelihood within the cell is at least the true one, and the least
ratio over all cells at most that of the true cell: so the reported evidence is never above that martingale
(universal inference, Wasserman, Ramdas and Balakrishnan 2020). Along a line or a half-plane the log-likelihood is
concave, so its largest value in a cell is exact. By Ville's inequality evidence reaches log(1 / alpha) at any look
with probability alpha at most while the null holds. Everything is a function of the totals alone.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, xlog1py, xlogy

from rollout.judge.arrays import FloatArray
from rollout.judge.sequential import RARE, Hits, constrained_rate, difference_bounds

SHARES = (0.02, 0.08, 0.25, 0.5)
"""The canary's shares of the requests that alternatives are made for. Evidence is valid at any share."""

HARMS = (1.5, 2.5, 5.0, 12.0)
"""Differences that alternatives of a failing canary have, in limits. A passing one has no difference."""

ALTERNATIVES, POOLED = 0.6, 0.3
"""Weights of the mixture: alternatives made for the cell; one unknown rate of both versions, when the canary is to
pass; the rest is for an unknown rate of each."""

FINENESS, COARSENING, COARSE = 0.15, (0.005, 0.02), 0.1
"""Width of a cell: in geometric means of rate and limit, and at least these shares of the rate, below and above
the rate `COARSE`. Wider cells cost evidence, and never validity."""

STEPS = 1.1 ** np.arange(-96, 1)
"""Differences that are tried for the ends of an interval: steps of 10 % from a hundredth of a percentage point."""


IMPOSSIBLE = -1e9
"""In place of the logarithm of a rate that is zero: its product with no hits is zero."""


class _Cells(NamedTuple):
    """Cells of stable's rate (m,), with k alternatives in each.

    alternatives: (4, k m) log-likelihoods of a hit and a miss of stable's, of a hit and a miss of the canary's.
    """

    lower: FloatArray
    upper: FloatArray
    alternatives: FloatArray


def exceeds(stable: Hits, canary: Hits, limit: float) -> FloatArray:
    """Log e-value against canary's rate being at most stable's + limit. Elementwise; 0 < limit < 1."""
    return _log_evalue(stable, canary, limit, harmful=True)


def stays_within(stable: Hits, canary: Hits, limit: float) -> FloatArray:
    """Log e-value against canary's rate being at least stable's + limit. Elementwise; 0 < limit < 1."""
    return _log_evalue(stable, canary, limit, harmful=False)


def one_sided_bounds(
    stable: Hits, canary: Hits, limit: float, alpha_low: float, alpha_high: float
) -> tuple[float, float]:
    """Lower and upper bound of canary's rate - stable's, each wrong at any look with probability alpha at most.

    The lower one is above the limit just when `exceeds` rejects at the limit, the upper one at most the limit just when
    `stays_within` does. Upper bounds end at 0; lower bounds below 0 are those of `difference_bounds`.
    """
    estimate = float(canary.rate - stable.rate)
    steps = np.unique(np.append(STEPS[STEPS < 1], limit)).tolist()
    harm = _last_rejected(lambda step: exceeds(stable, canary, step) >= -np.log(alpha_low), steps, limit)
    safe = _last_rejected(lambda step: stays_within(stable, canary, step) >= -np.log(alpha_high), steps[::-1], limit)
    if harm is None:
        low = min(0.0, float(difference_bounds(stable, canary, alpha_low, alpha_high)[0]))
    else:
        low = float(np.nextafter(harm, 1.0))
    return min(low, estimate), max(1.0 if safe is None else safe, estimate)


def _last_rejected(rejects: Callable[[float], Any], steps: Sequence[float], limit: float) -> float | None:
    """The last of the steps that is rejected together with all before it; None when the first is not.

    The limit, which is one of the steps, is always asked for itself: a verdict hangs on it.
    """
    at = steps.index(limit)
    low, high = (at, len(steps)) if rejects(limit) else (-1, at)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if rejects(steps[middle]) else (low, middle)
    return steps[low] if low >= 0 else None


def _log_evalue(stable: Hits, canary: Hits, limit: float, *, harmful: bool) -> FloatArray:
    cells = _cells(limit, harmful)
    counts = np.broadcast_arrays(*(np.asarray(each, float)[..., None] for each in (*stable, *canary)))
    one, other = Hits(*counts[:2]), Hits(*counts[2:])
    null = _largest_null(one, other, limit, cells, harmful=harmful)
    unforeseen = _unforeseen(one, other, 0.0 if harmful else POOLED)
    if null.size == null.shape[-1]:
        cells, null = _cells_that_matter(one, other, cells, unforeseen, null)
    return np.asarray((_mixture(one, other, cells, unforeseen) - null).min(axis=-1))


def _cells_that_matter(
    stable: Hits, canary: Hits, cells: _Cells, unforeseen: FloatArray, null: FloatArray
) -> tuple[_Cells, FloatArray]:
    """The cells in which the least ratio can be, and their null, for one pair of counts.

    The mixture is never below its part for what alternatives do not foresee. So a cell in which that part alone is
    above the ratio of some other cell is not the least one. It saves nine tenths of the work, and changes no result.
    """
    least = (unforeseen - null).reshape(-1)
    at = _pick_cells(cells, np.arange(len(least)) == least.argmin())
    bound = _mixture(stable, canary, at, unforeseen).reshape(-1)[0] - null.reshape(-1)[least.argmin()]
    wanted = least <= bound
    return _pick_cells(cells, wanted), null[..., wanted]


def _pick_cells(cells: _Cells, wanted: NDArray[np.bool_]) -> _Cells:
    made = cells.alternatives.reshape(4, -1, len(cells.lower))[:, :, wanted]
    return _Cells(cells.lower[wanted], cells.upper[wanted], made.reshape(4, -1))


def _unforeseen(stable: Hits, canary: Hits, pooled: float) -> FloatArray:
    """Log of the mixture's part for what its alternatives do not foresee (..., 1). pooled: weight of one rate."""
    found = np.log(1 - ALTERNATIVES - pooled) + _beta_binomial(stable) + _beta_binomial(canary)
    if pooled:
        both = _beta_binomial(Hits(np.add(stable.hits, canary.hits), np.add(stable.n, canary.n)))
        found = np.logaddexp(found, np.log(pooled) + both)
    return np.asarray(found)


def _mixture(stable: Hits, canary: Hits, cells: _Cells, unforeseen: FloatArray) -> FloatArray:
    """Log-likelihood (..., m) of each cell's mixture of alternatives, with the part for what they do not foresee."""
    counts = np.concatenate([stable.hits, np.subtract(*stable[::-1]), canary.hits, np.subtract(*canary[::-1])], axis=-1)
    made = (counts @ cells.alternatives).reshape(*counts.shape[:-1], -1, len(cells.lower))
    highest = made.max(axis=-2)
    total = highest + np.log(np.exp(made - highest[..., None, :]).mean(axis=-2))
    return np.asarray(np.logaddexp(unforeseen, np.log(ALTERNATIVES) + total))


def _largest_null(stable: Hits, canary: Hits, limit: float, cells: _Cells, *, harmful: bool) -> FloatArray:
    """Largest log-likelihood (..., m) of the null with stable's rate in each cell."""
    before, now = stable.rate, canary.rate
    in_null = now - before <= limit if harmful else now - before >= limit
    best = np.where(in_null, before, constrained_rate(stable, canary, np.asarray(limit)))
    rate = np.clip(best, cells.lower, cells.upper)
    beyond = np.minimum(rate + limit, 1.0)
    other = np.minimum(now, beyond) if harmful else np.maximum(now, beyond)
    return _likelihood(stable, rate) + _likelihood(canary, other)


def _likelihood(counted: Hits, rate: FloatArray) -> FloatArray:
    hits = np.asarray(counted.hits)
    return np.asarray(xlogy(hits, rate) + xlog1py(counted.n - hits, -rate))


def _beta_binomial(counted: Hits) -> FloatArray:
    (a, b), hits, n = RARE, np.asarray(counted.hits), np.asarray(counted.n)
    return np.asarray(betaln(a + hits, b + n - hits) - betaln(a, b))


@lru_cache(maxsize=128)
def _cells(limit: float, harmful: bool) -> _Cells:
    """Cells of every rate of stable's that the null allows, with their alternatives."""
    edges = [0.0, FINENESS**2 * limit / 4]
    while edges[-1] < 1 - limit:
        rate = edges[-1]
        least = COARSENING[rate > COARSE] * rate
        edges.append(rate + max(least, FINENESS * (limit * min(rate, limit)) ** 0.5))
    ends = np.minimum([*edges, 1.0] if harmful else edges, 1.0 if harmful else 1 - limit)
    lower, upper = ends[:-1], ends[1:]
    middle = np.minimum((lower + upper) / 2, 1 - limit)
    pairs = [
        _project_back(middle, limit, share, harm * limit) for harm in (HARMS if harmful else (0.0,)) for share in SHARES
    ]
    rates = np.array(pairs).transpose(1, 0, 2).reshape(2, -1)
    with np.errstate(divide="ignore"):
        logs = np.stack([np.log(rates), np.log1p(-rates)], axis=1).reshape(4, -1)
    return _Cells(lower, upper, np.maximum(logs, IMPOSSIBLE))


def _project_back(rate: FloatArray, limit: float, share: float, difference: float) -> tuple[FloatArray, FloatArray]:
    """The rates with this difference whose projection on the null is (rate, rate + limit). share: of the canary."""
    spread, other = rate * (1 - rate), (rate + limit) * (1 - rate - limit)
    part = share * spread / ((1 - share) * other + share * spread)
    stable = np.clip(rate - (difference - limit) * part, 0.0, 1.0)
    return stable, np.clip(stable + difference, 0.0, 1.0)
