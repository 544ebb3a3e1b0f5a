"""Results of the stages that were played, as a table for the terminal and for docs/cluster-run.md."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.cluster.context import StageContext
from tests.cluster.shell import Failure
from tests.cluster.silence import MOST_SECONDS


@dataclass
class StageResult:
    """A stage that was played. held: it did not fail. facts: findings, or why it failed.

    silent: it failed while the cluster's API server did not answer, which says nothing of the project.
    """

    name: str
    held: bool
    seconds: float
    facts: list[str] = field(default_factory=list)
    silent: bool = False

    @property
    def verdict(self) -> str:
        """One word."""
        return "yes" if self.held else "silent" if self.silent else "NO"


def play(name: str, stage: Callable[[StageContext], list[str]], context: StageContext, console: Console) -> StageResult:
    """Play a stage and print what it saw."""
    console.print(f"[bold]{name}[/bold] ...")
    context.silence.begin_stage()
    begun = time.monotonic()
    try:
        held, facts = True, stage(context)
    except Failure as error:
        held, facts = False, [str(error)]
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        held, facts = False, [f"{type(error).__name__}: {error}"]
    silent = not held and (away := context.silence.longest) > MOST_SECONDS
    if silent:
        facts.append(f"the cluster's API server did not answer for {away:.0f} s meanwhile")
    for fact in facts:
        console.print(f"  {'+' if held else 'x'} {fact}", markup=False, highlight=False)
    return StageResult(name, held, time.monotonic() - begun, facts, silent)


def table(results: Sequence[StageResult]) -> Table:
    """For a terminal."""
    made = Table("stage", "held", "seconds", "what was seen")
    for each in results:
        made.add_row(each.name, each.verdict, f"{each.seconds:.0f}", "\n".join(each.facts))
    return made


def markdown(results: Sequence[StageResult]) -> list[str]:
    """For docs/cluster-run.md."""
    lines = ["| stage | held | seconds | what was seen |", "|---|---|---|---|"]
    for each in results:
        seen = "<br>".join(fact.replace("|", "\\|") for fact in each.facts)
        lines.append(f"| {each.name} | {each.verdict} | {each.seconds:.0f} | {seen} |")
    return lines
