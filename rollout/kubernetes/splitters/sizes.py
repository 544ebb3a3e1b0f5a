"""Number of pods that a candidate needs beside the stable version. Pure: no cluster, no clock."""

import math
from dataclasses import dataclass
from fractions import Fraction

from rollout.spec import FULL_WEIGHT

TOLD_APART = 2
"""Pods that tell a version from a slow node: one pod alone may be the slow one, see decision 16."""


@dataclass(frozen=True)
class StableSize:
    """Size of the stable version.

    pods: that its Deployment asks for. most: pods that it may have at most. autoscaled: whether the pods follow the
    load. borrowed: stable pods whose places the candidate has. share: percent of the requests that the candidate has.
    """

    pods: int
    most: int
    autoscaled: bool = False
    borrowed: int = 0
    share: int = 0

    @property
    def whole(self) -> int:
        """Pods of the stable version if it had every request."""
        if not self.autoscaled or not 0 < self.share < FULL_WEIGHT:
            return self.pods + self.borrowed
        return min(max(self.most, self.pods), _share_up(self.pods, FULL_WEIGHT, FULL_WEIGHT - self.share))


def needed_pods(stable: StableSize, weight: int | Fraction, now: int) -> int:
    """Pods of a candidate for `weight` percent of the requests: one for none. now: pods that it asks for.

    Each of its pods gets as many requests as a stable one, so that both are judged under the same load, or fewer where
    that would be one pod beside several; with every request it needs as many pods as the stable version would.
    """
    if weight == FULL_WEIGHT:
        return max(stable.whole, now if stable.share == FULL_WEIGHT else 0)
    share = _share_up(stable.pods + stable.borrowed, weight, FULL_WEIGHT - weight)
    return min(stable.whole, max(TOLD_APART if weight else 1, share))


def weight_like(mirror: int) -> Fraction:
    """The weight at which a candidate has as many requests, beside those of the stable version, as copies of these."""
    return Fraction(FULL_WEIGHT * mirror, FULL_WEIGHT + mirror)


def least_pods(stable: StableSize, weight: int) -> int:
    """Ready pods with which a candidate may have its share where no node has room for more: its share of all pods.

    One less than all where it has the places of all stable pods but the last.
    """
    least = _share_up(stable.whole, max(1, weight), FULL_WEIGHT)
    most = most_borrowed(stable, weight)
    return min(least, most) if most and stable.borrowed >= most else least


def most_borrowed(stable: StableSize, weight: int) -> int:
    """Stable pods whose places a candidate may take at a weight: its share of them, never the last.

    None of an autoscaled version, whose autoscaler decides how many it has.
    """
    if stable.autoscaled:
        return 0
    return min(stable.whole - 1, _share_up(stable.whole, max(1, weight), FULL_WEIGHT))


def follow(now: int, needed: int) -> int:
    """Pods to ask for: up at once, down only where half of them would do, as each change makes pods start or end."""
    return needed if needed > now or 2 * needed <= now else now


def _share_up(pods: int, part: int | Fraction, rest: int | Fraction) -> int:
    return math.ceil(pods * part / rest)
