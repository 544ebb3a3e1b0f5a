"""Recurring runs of a release on Kubeflow Pipelines: made, replaced and deleted."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from console.operations import runs
from matchday.errors import MatchdayError

VARIABLE = "MATCHDAY_RECURRING"
"""JSON that the chart gives its Job: the cron of each pipeline that runs by the clock, five fields, in UTC."""

FIELDS = 5
SECONDS = "0"
"""The field that Kubeflow's crons have before those five."""


class RecurringError(MatchdayError):
    """Recurring runs that cannot be made as they are asked for."""


@dataclass(frozen=True)
class RecurringChange:
    """What became of a recurring run. cron: six fields; that of a deleted one is the one it had."""

    name: str
    cron: str
    done: Literal["kept", "made", "replaced", "deleted"]


def crons() -> dict[str, str]:
    """The cron of each pipeline, from the environment; none where it says nothing. Raises RecurringError."""
    given = os.environ.get(VARIABLE) or "{}"
    try:
        said = json.loads(given)
        found = {str(name): str(cron) for name, cron in said.items()}
    except (ValueError, AttributeError):
        raise RecurringError(f'{VARIABLE} is {given!r}: write {{"PIPELINE": "CRON", ...}}') from None
    for name, cron in found.items():
        if (count := len(cron.split())) != FIELDS:
            raise RecurringError(
                f"{VARIABLE}: the cron of {name}, {cron!r}, has {count} fields: write five, minute, hour, day, month"
                " and weekday"
            )
    return found


def schedule(
    environment: str, wanted: Mapping[str, str], versions: Mapping[str, str], seconds: float = 0
) -> Iterator[RecurringChange]:
    """Make the recurring runs of a release those that are wanted; each change is yielded once it is made.

    wanted: crons of five fields by pipeline. versions: of the uploaded pipelines, by name. seconds: how long to wait
    for Kubeflow. A run that is as it should be is left alone, also one that somebody has disabled; another is
    replaced, the new one first. Raises MatchdayError.
    """
    if unknown := sorted(set(wanted) - set(versions)):
        raise RecurringError(f"{VARIABLE}: no pipeline {', '.join(unknown)}; there are: {', '.join(versions)}")
    kubeflow = runs.connect(seconds)
    own = [run for run in kubeflow.recurring_runs() if run.name.endswith(_ending(environment))]
    for pipeline, cron in wanted.items():
        name, due = pipeline + _ending(environment), f"{SECONDS} {' '.join(cron.split())}"
        pipeline_id, version_id = kubeflow.version_id(pipeline, versions[pipeline])
        before = [run for run in own if run.name == name]
        if [(run.cron, run.version) for run in before] == [(due, version_id)]:
            yield RecurringChange(name, due, "kept")
            continue
        kubeflow.start_recurring(name, pipeline_id, version_id, due)
        for run in before:
            kubeflow.end_recurring(run)
        yield RecurringChange(name, due, "replaced" if before else "made")
    for run in own:
        if run.name.removesuffix(_ending(environment)) not in wanted:
            kubeflow.end_recurring(run)
            yield RecurringChange(run.name, run.cron, "deleted")


def _ending(environment: str) -> str:
    """What the names of a release's recurring runs end in; they begin with the pipeline, as those of runs do."""
    return f" of {environment}"
