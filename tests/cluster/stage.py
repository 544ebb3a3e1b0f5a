"""A stage of the cluster test: its function, the seconds it takes, and when it is skipped."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tests.cluster.context import StageContext

CLEAR_SECONDS = 90
"""For uninstalling and deleting the namespace at the end."""


@dataclass(frozen=True)
class ClusterStage:
    """One step of the cluster test.

    play: returns what was seen, or raises Failure. seconds: what it takes on two cores; `docs/cluster-run.md` says what
    it took last. needs: a stage that has to be played before. each_time: CI plays it each time; otherwise only
    `make cluster-test` does.
    """

    name: str
    play: Callable[[StageContext], list[str]]
    seconds: int
    needs: str = ""
    each_time: bool = True

    def reason_to_skip(self, played: Collection[str], seconds_left: float, in_ci: bool) -> str:
        """Why it is skipped; empty when it is played. seconds_left: of the budget, with the uninstall at the end."""
        if in_ci and not self.each_time:
            return "only make cluster-test plays it"
        if self.needs and self.needs not in played:
            return f"it needs the stage {self.needs}"
        if self.seconds + CLEAR_SECONDS > seconds_left:
            return f"it takes {self.seconds} s and {CLEAR_SECONDS} s to end"
        return ""
