"""Progress events of long operations; an operation calls its `on_event` with each."""

from dataclasses import dataclass
from datetime import datetime

from pipelines.run import Run, RunStep


@dataclass(frozen=True)
class StepStarted:
    """A step of a local run has started."""

    step: str


@dataclass(frozen=True)
class StepProgress:
    """How far a step of a local run is, in units of `unit`."""

    step: str
    unit: str
    done: int
    total: int


@dataclass(frozen=True)
class StepMessage:
    """A line that a step says. seconds: since its start; None on a cluster."""

    step: str
    text: str
    seconds: float | None = None


@dataclass(frozen=True)
class StepReused:
    """A step of a local run was not needed: its result comes from the cache."""

    step: str


@dataclass(frozen=True)
class StepFinished:
    """A step of a local run has finished."""

    step: str


@dataclass(frozen=True)
class LocalRunFinished:
    """A local run has finished. steps: how many ran. reused: how many came from the cache."""

    steps: int
    reused: int


@dataclass(frozen=True)
class RunSubmitted:
    """A run on a cluster has begun. address: its page in Kubeflow's user interface.

    others: ids of runs of the same pipeline that were under way by then.
    """

    id: str
    pipeline: str
    as_of: datetime
    address: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunStanding:
    """How a run on a cluster stands: it is not over."""

    run: Run


@dataclass(frozen=True)
class StepChanged:
    """A step of a run on a cluster has another state."""

    step: RunStep


@dataclass(frozen=True)
class KubeflowUnavailable:
    """Kubeflow Pipelines does not answer, so that training runs in this process."""

    reason: str


LocalEvent = StepStarted | StepProgress | StepMessage | StepReused | StepFinished
ClusterEvent = StepChanged | StepMessage
