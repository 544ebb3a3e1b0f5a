"""A run as the API of KFP 2.14 tells it; the nodes are those of a real one."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.run import Run, RunStep

BEGAN = datetime(2026, 11, 21, 16, 3, 54, tzinfo=UTC)
NEVER = datetime(1, 1, 1, tzinfo=UTC)


def node(name: str | None, began: int, ended: int | None, state: str | None = "SUCCEEDED") -> SimpleNamespace:
    """A node, with seconds since the run began."""
    end = NEVER if ended is None else BEGAN + timedelta(seconds=ended)
    return SimpleNamespace(display_name=name, start_time=BEGAN + timedelta(seconds=began), end_time=end, state=state)


def run(state: str, *nodes: SimpleNamespace) -> Run:
    details = SimpleNamespace(task_details=list(nodes))
    return Run.of_api(_told("r1", state=state, run_details=details))


def _told(run_id: str, **known: Any) -> SimpleNamespace:
    """A run as the SDK gives it: what the API does not say is None."""
    nothing = {"run_details": None, "error": None, "state_history": None}
    return SimpleNamespace(run_id=run_id, display_name="a run", **{**nothing, **known})


FRAME = (
    node("train-match-outcome-5rjgg", 0, None, "RUNNING"),
    node("root-driver", 0, 3),
    node("root", 5, None, "RUNNING"),
    node(None, 34, 37, None),
)


def test_steps_are_told_in_the_order_in_which_they_began() -> None:
    found = run(
        "RUNNING",
        node("condition-2-driver", 130, 133),
        node("condition-3-driver", 130, 133),
        node("condition-branches-1-driver", 124, 127),
        node("condition-branches-1", 129, None, "RUNNING"),
        node("condition-3", 135, 135, "SKIPPED"),
        node("condition-2", 135, None, "RUNNING"),
        node("register-driver", 135, 138),
        node("register", 140, None, "RUNNING"),
        node("executor", 10, 29),
        node("ingest", 10, 31),
        node("ingest-driver", 5, 8),
        node("materialise-driver", 65, None, "PENDING"),
        *FRAME,
    )
    assert found.steps == (
        RunStep("ingest", "SUCCEEDED", 26.0),
        RunStep("materialise", "PENDING"),
        RunStep("register", "RUNNING"),
    )
    assert not found.over


def test_a_step_whose_executor_was_skipped_came_from_the_cache() -> None:
    found = run(
        "SUCCEEDED", node("validate-driver", 20, 23), node("validate", 24, 24), node("executor", 24, 24), *FRAME
    )
    assert found.steps == (RunStep("validate", "SUCCEEDED", 4.0, reused=True),)
    assert found.over


def test_a_step_that_failed_before_it_began_has_failed() -> None:
    assert run("FAILED", node("ingest-driver", 5, 8, "FAILED"), *FRAME).steps == (RunStep("ingest", "FAILED"),)


def test_a_step_of_a_stopped_run_has_no_state_of_its_own() -> None:
    stopped = run("FAILED", node("ingest-driver", 5, 8), node("ingest", 9, None, None), *FRAME)
    assert stopped.steps == (RunStep("ingest", "PENDING"),)


def test_a_run_that_has_not_begun() -> None:
    early = Run.of_api(_told("r1", state=None))
    assert (early.state, early.steps, early.over) == ("PENDING", (), False)


def test_the_runs_own_error_is_kept() -> None:
    why = SimpleNamespace(message="quota exceeded")
    told = Run.of_api(_told("r1", state="FAILED", error=why))
    assert told.error == "quota exceeded"


@pytest.mark.parametrize(
    ("state", "before", "canceled"),
    [
        ("CANCELING", ["PENDING", "RUNNING"], True),
        ("CANCELED", [], True),
        ("FAILED", ["PENDING", "RUNNING", "CANCELING", "FAILED"], True),
        ("FAILED", ["PENDING", "RUNNING", "FAILED"], False),
        ("SUCCEEDED", [], False),
    ],
)
def test_a_run_that_somebody_ended_is_told_by_its_history(state: str, before: list[str], canceled: bool) -> None:
    """Kubeflow 2.14 calls it failed in the end."""
    history = [SimpleNamespace(state=each) for each in before]
    assert Run.of_api(_told("r1", state=state, state_history=history)).canceled == canceled
