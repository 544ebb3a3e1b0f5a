"""`make cluster-test`: the chart on the cluster that KUBECONFIG names, from images to uninstall.

Everything happens in a namespace of its own, which is deleted at the end, whatever happened. What held, and how long
each stage took, is printed and kept in docs/cluster-run.md; not in CI, whose checkout stays what the images are of.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from matchday.settings import REPOSITORY
from tests.cluster.kube import Kube
from tests.cluster.release import Release
from tests.cluster.scene import Scene
from tests.cluster.shell import Failure
from tests.cluster.stages import STAGES, clear

RECORD = REPOSITORY / "docs" / "cluster-run.md"


@dataclass
class Outcome:
    """A stage that was played."""

    name: str
    held: bool
    seconds: float
    facts: list[str] = field(default_factory=list)


def main() -> int:
    """Play the stages in order; the first that fails ends it. 0 when all held."""
    arguments = argparse.ArgumentParser(prog="make cluster-test")
    arguments.add_argument("--keep", action="store_true", help="leave the namespace for a look")
    arguments.add_argument("--built", action="store_true", help="the images are in the nodes already")
    options = arguments.parse_args()
    console = Console(width=120)
    namespace = f"matchday-test-{os.getpid()}"
    try:
        kube = Kube(namespace)
        kube("version", "--output", "json")
        release = Release(kube)
    except Failure as error:
        console.print(f"no cluster to test on: {error}")
        return 2
    outcomes = []
    with ExitStack() as stack:
        scene = Scene(kube, release, stack, built=options.built)
        for name, stage in STAGES:
            outcome = _played(name, stage, scene, console)
            outcomes.append(outcome)
            if not outcome.held:
                break
    if not options.keep:
        outcomes.append(_played("what is left", clear, scene, console))
    if os.environ.get("CI") != "true":
        _record(outcomes, scene)
    console.print(_table(outcomes))
    return 0 if all(outcome.held for outcome in outcomes) and len(outcomes) > len(STAGES) - options.keep else 1


def _played(name: str, stage: Callable[[Scene], list[str]], scene: Scene, console: Console) -> Outcome:
    console.print(f"[bold]{name}[/bold] ...")
    begun = time.monotonic()
    try:
        facts = stage(scene)
        outcome = Outcome(name, True, time.monotonic() - begun, facts)
    except Failure as error:
        outcome = Outcome(name, False, time.monotonic() - begun, [str(error)])
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        outcome = Outcome(name, False, time.monotonic() - begun, [f"{type(error).__name__}: {error}"])
    for fact in outcome.facts:
        console.print(f"  {'+' if outcome.held else 'x'} {fact}", markup=False, highlight=False)
    return outcome


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("stage", "held", "seconds", "what was seen")
    for each in outcomes:
        table.add_row(each.name, "yes" if each.held else "NO", f"{each.seconds:.0f}", "\n".join(each.facts))
    return table


def _record(outcomes: list[Outcome], scene: Scene) -> None:
    lines = [
        "# The last run of `make cluster-test`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Kubernetes {scene.kubernetes()}, images `{scene.tag}`,"
        f" training as {scene.training}.",
        "",
        "| stage | held | seconds | what was seen |",
        "|---|---|---|---|",
    ]
    for each in outcomes:
        seen = "<br>".join(fact.replace("|", "\\|") for fact in each.facts)
        lines.append(f"| {each.name} | {'yes' if each.held else 'no'} | {each.seconds:.0f} | {seen} |")
    RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
