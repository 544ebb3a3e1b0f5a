"""Leftover of a rollout whose ModelRollout was deleted: a candidate, and what was served before it came.

All of it is read from the service itself, so that deleting a ModelRollout takes no finalizer, which would hold the
object, and its namespace, for as long as there is no operator.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from matchday.errors import MatchdayError
from matchday.telemetry import logger
from rollout.kubernetes.client import Object
from rollout.kubernetes.model_rollout import state_of
from rollout.sources import VersionRegistry
from rollout.state import StateError

STABLE = "matchday.io/stable"
"""Annotation beside a candidate's pin: the version that was served when the candidate came."""
REASON = "its ModelRollout was deleted"


@dataclass(frozen=True)
class Leftover:
    """Versions of a service; empty where it does not say. candidate: got, or may have got, a share of the requests."""

    candidate: str
    stable: str


class Endable(Protocol):
    """The part of a splitter that ends a candidate's share."""

    def promote(self, version: str) -> bool:
        """Make the candidate the stable version. Returns whether that is done."""

    def roll_back(self, stable: str) -> bool:
        """Send all requests to the version `stable`. Returns whether that is done."""


def any_active(rollouts: Iterable[Object]) -> bool:
    """Whether one of these ModelRollouts is under way; one whose state cannot be read may be."""
    return any(map(_may_be_active, rollouts))


def end_leftover(splitter: Endable, left: Leftover, model: str, versions: VersionRegistry, now: float) -> None:
    """Carry the service one round towards one version, and mark a candidate that is taken back.

    A promotion that had given the candidate the alias is carried to its end; all else is rolled back. now: Unix
    seconds. Raises MatchdayError.
    """
    champion = versions.champion(model)
    if left.candidate == champion != left.stable:
        splitter.promote(champion)
        return
    splitter.roll_back(left.stable or champion)
    if left.candidate not in ("", left.stable):
        _mark(versions, model, left.candidate, now)


def _may_be_active(thing: Object) -> bool:
    try:
        return state_of(thing).active
    except StateError:
        return True


def _mark(versions: VersionRegistry, model: str, candidate: str, now: float) -> None:
    """Requests come first: a registry that refuses the mark does not hold up the roll-back."""
    try:
        versions.mark_rolled_back(model, candidate, now, REASON)
    except MatchdayError as error:
        logger("rollout").warning("not marked", version=candidate, reason=str(error))
