"""`matchday experiments ...`: what was tried for match-outcome, and whether it helped."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.operations.experiments import Answer

app = typer.Typer(
    invoke_without_command=True, help="Rank what was tried for match-outcome, by paired differences to the base."
)

Page = Annotated[Path | None, typer.Option(help="Markdown file that the rankings are written to.")]


@app.callback()
def show(
    context: typer.Context,
    question: Annotated[str, typer.Option(help="decay, xg-weight, blending, calibration; or all.")] = "all",
    page: Page = None,
) -> None:
    """Print the rankings of the runs that MLflow holds."""
    if context.invoked_subcommand:
        return
    from console.operations import experiments

    _print(experiments.rank_experiments(question), page)


@app.command()
def run(
    question: Annotated[str, typer.Argument(help="decay, xg-weight, blending, calibration; or all.")],
    page: Page = None,
) -> None:
    """Walk every candidate of a question forward and record it in MLflow: a minute or two for each question."""
    from console.operations import experiments

    answers = experiments.run_experiments(question, lambda asked, name: screen.say(f"  {asked:<12} {name}"))
    _print(answers, page)


def _print(answers: "Sequence[Answer]", page: Path | None) -> None:
    from console.operations import experiments
    from matchday.model_cards.experiments import COLUMNS, ranking_cells

    for one in answers:
        screen.heading(f"{one.question.name}: {one.question.asks}")
        if one.ranking:
            screen.table(COLUMNS, [ranking_cells(ranked) for ranked in one.ranking])
        else:
            screen.say(f"nothing was recorded yet; run: matchday experiments run {one.question.name}")
    screen.say("", "2019/20 to 2025/26, late: from 2023/24; below 0 is better than the base; +-: over weeks")
    if page:
        experiments.write_page(answers, page)
        screen.say(f"page: {page}")
