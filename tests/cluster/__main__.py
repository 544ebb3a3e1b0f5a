"""`make cluster-test`: the chart on the cluster that KUBECONFIG names, from images to uninstall.

Everything happens in a namespace of its own, which is deleted at the end, whatever happened. What held, and how long
each stage took, is printed and kept in docs/cluster-run.md; not in CI, whose checkout stays what the images are of.
In CI (`CI=true`) the stages of every time are played, as far as they fit before the moment MATCHDAY_CI_ENDS.
There a failure during a silence of the cluster's API server ends the stages and fails nothing: nothing is known then.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from rich.console import Console

from matchday.settings import REPOSITORY
from tests.cluster import result
from tests.cluster.context import StageContext
from tests.cluster.installation import clear
from tests.cluster.kube import PREFIX, Kube
from tests.cluster.plan import STAGES
from tests.cluster.release import Release
from tests.cluster.result import StageResult
from tests.cluster.shell import Failure, run

RECORD = REPOSITORY / "docs" / "cluster-run.md"
ENDS = "MATCHDAY_CI_ENDS"
"""When CI's budget is used up, in seconds since 1970."""


def main() -> int:
    """Play the stages in order; the first that fails ends it. 0 when all held, 2 where there is no cluster."""
    arguments = argparse.ArgumentParser(prog="make cluster-test")
    arguments.add_argument("--keep", action="store_true", help="leave the namespace for a look")
    arguments.add_argument("--built", action="store_true", help="the images are in the nodes already")
    options = arguments.parse_args()
    console = Console(width=120)
    try:
        kube = Kube(f"{PREFIX}{os.getpid()}")
        run(kube.kubectl, "version", "--output", "json")
        release = Release(kube)
    except Failure as error:
        console.print(f"no cluster to test on: {error}")
        return 2
    in_ci = os.environ.get("CI") == "true"
    stages = ExitStack()
    context = StageContext(kube, release, stages, built=options.built)
    with context.silence.watched():
        with stages:
            results = _play_all(context, console, in_ci)
        if not options.keep:
            results.append(result.play("what is left", clear, context, console))
    if not in_ci:
        _record(results, context)
    console.print(result.table(results))
    failed = [each for each in results if not each.held]
    if in_ci and failed and failed[0].silent:
        console.print(f"ci: the cluster test did NOT end: the cluster stopped answering at the stage {failed[0].name}")
        return 0
    return 1 if failed else 0


def _play_all(context: StageContext, console: Console, in_ci: bool) -> list[StageResult]:
    """Play what is not to be skipped, up to the first failure."""
    results: list[StageResult] = []
    for stage in STAGES:
        left = _seconds_left()
        if reason := stage.reason_to_skip([each.name for each in results], left, in_ci):
            minutes = "" if math.isinf(left) else f", {left / 60:.0f} minutes left"
            console.print(f"ci: skipped: {stage.name}: {reason}{minutes}", markup=False, highlight=False)
            continue
        results.append(result.play(stage.name, stage.play, context, console))
        if not results[-1].held:
            break
    return results


def _seconds_left() -> float:
    return float(os.environ.get(ENDS) or math.inf) - time.time()


def _record(results: Sequence[StageResult], context: StageContext) -> None:
    head = [
        "# The last run of `make cluster-test`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Kubernetes {context.kubernetes()}, images `{context.tag}`,"
        f" training as {context.training}.",
        "",
    ]
    RECORD.write_text("\n".join([*head, *result.markdown(results)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
