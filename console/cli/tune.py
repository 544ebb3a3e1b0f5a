"""`matchday tune ...`: search of settings on seasons before the reported ones."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen

if TYPE_CHECKING:
    from console.operations.tuning import TuningResult
    from matchday.tuning.study import Progress

app = typer.Typer(no_args_is_help=True, help="Search settings on seasons before the reported ones.")


@app.callback()
def group() -> None:
    """Keep `outcome` a command of its own, also while it is the only one."""


@app.command()
def outcome(
    trials: Annotated[int, typer.Option(min=1, help="Completed trials in all, those of earlier runs included.")] = 50,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that share the study.")] = 1,
) -> None:
    """Search the settings of match-outcome by walk-forward RPS of 2016/17 to 2018/19: some 3 s a trial.

    The study lives in `MATCHDAY_STUDIES` (SQLite below MATCHDAY_HOME by default). A search that was stopped or killed
    goes on where it was, and others may work on the same study at the same time.
    """
    from console.operations import tuning

    print_result(tuning.tune_outcome(trials, jobs, _print_progress))


def print_result(found: "TuningResult") -> None:
    """Print the best settings beside those that are served."""
    from matchday.tuning.outcome import SERVED

    done = found.progress
    screen.heading(f"{found.study}: {done.completed} completed, {done.pruned} pruned, {done.failed} failed")
    screen.table(
        ("setting", "served", "best"),
        [(name, f"{SERVED[name]:g}", f"{value:.4g}") for name, value in found.settings.items()],
    )
    screen.say(f"RPS of 2016/17 to 2018/19: {found.served:.5f} as served, {found.best:.5f} at best")
    screen.say("", "nothing was changed: the best of many trials is partly luck (docs/decisions/0033)")


def _print_progress(done: "Progress") -> None:
    best = "" if done.best is None else f", best {done.best:.5f}"
    screen.say(f"  {done.completed} completed, {done.pruned} pruned{best}")
