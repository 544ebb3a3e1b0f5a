"""Step: is the model fit to be a challenger?"""

from kfp import dsl

from components.image import component


@component
def passes_gate(forecasts: dsl.Input[dsl.Dataset]) -> str:
    """`pass` or `fail`, from the walk-forward forecasts."""
    from pathlib import Path

    from components.step import step
    from matchday.models.evaluation import Evaluation
    from matchday.models.gate import judge

    with step("gate") as here:
        verdict = judge(Evaluation.load(Path(forecasts.path)))
        here.say("passed" if verdict.passed else "refused: " + "; ".join(verdict.reasons))
        return "pass" if verdict.passed else "fail"
