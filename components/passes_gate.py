"""Step: may a trained model be registered?"""

from kfp import dsl

from components.image import component


@component
def passes_gate(model_name: str, forecasts: dsl.Input[dsl.Dataset]) -> str:
    """`pass` or `fail`, from the walk-forward forecasts."""
    from pathlib import Path

    from components.step import step
    from matchday.models.catalogue import model_kind
    from matchday.models.evaluation import Evaluation
    from matchday.models.gate import judge

    with step("gate") as here:
        verdict = judge(Evaluation.load(model_kind(model_name), Path(forecasts.path)))
        here.say("passed" if verdict.passed else "refused: " + "; ".join(verdict.reasons))
        return "pass" if verdict.passed else "fail"
