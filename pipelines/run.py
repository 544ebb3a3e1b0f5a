"""A run on a cluster and its steps, read from Kubeflow's API."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

OVER = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})
"""Final states."""

CANCELED = frozenset({"CANCELING", "CANCELED"})
"""States of a run that somebody has ended; the first stays in its history."""

DRIVER = "-driver"
"""Suffix of the driver's node: the API lists the nodes of a workflow, and every step has a driver."""

FRAME = re.compile(r"root|(condition(-branches)?|for-loop|exit-handler)-\d+")
"""Names of nodes that have a driver and are not steps."""


@dataclass(frozen=True)
class RunStep:
    """A step of a run that has begun.

    seconds: how long it took; None while it runs. reused: whether its result was taken from the cache.
    """

    name: str
    state: str
    seconds: float | None = None
    reused: bool = False


@dataclass(frozen=True)
class Run:
    """A run and its steps, in the order in which they began.

    canceled: whether somebody ended it, or is ending it. Kubeflow calls such a run failed once it is over.
    """

    id: str
    name: str
    state: str
    steps: tuple[RunStep, ...]
    error: str = ""
    canceled: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    @classmethod
    def of_api(cls, run: Any) -> "Run":
        """From a `V2beta1Run`."""
        nodes = run.run_details.task_details if run.run_details else None
        error = str(run.error.message or "") if run.error else ""
        state = run.state or "PENDING"
        canceled = not CANCELED.isdisjoint([state, *(each.state for each in run.state_history or [])])
        return cls(run.run_id, run.display_name, state, tuple(_steps(nodes or [])), error, canceled)


def _steps(nodes: Iterable[Any]) -> list[RunStep]:
    began = sorted((node for node in nodes if node.display_name), key=lambda node: node.start_time)
    named = {node.display_name: node for node in began}
    names = [name.removesuffix(DRIVER) for name in named if name.endswith(DRIVER)]
    return [_step(name, named[name + DRIVER], named.get(name)) for name in names if not FRAME.fullmatch(name)]


def _step(name: str, driver: Any, own: Any) -> RunStep:
    """own: the step's own node; None until its driver has finished."""
    if own is None:
        return RunStep(name, "FAILED" if driver.state == "FAILED" else "PENDING")
    if own.state not in OVER:
        return RunStep(name, own.state or "PENDING")
    took = (own.end_time - driver.start_time).total_seconds()
    nothing_ran = own.state == "SUCCEEDED" and own.end_time == own.start_time
    return RunStep(name, own.state, max(took, 0.0), nothing_ran)
