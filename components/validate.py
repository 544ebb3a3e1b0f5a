"""Step: check the history in the lake."""

from kfp import dsl

from components.image import component


@component
def validate(history: str, report: dsl.Output[dsl.Markdown]) -> str:
    """Check the history against the rules that every true one keeps; returns its fingerprint."""
    from pathlib import Path

    from components.step import step
    from matchday import history as past

    with step("validate") as here:
        past.expect(here.lake, history)
        checks = past.check(here.lake)
        Path(report.path).write_text("\n".join(f"- {check.rule}: holds" for check in checks), encoding="utf-8")
        here.say(f"{len(checks)} rules hold for every season")
        return history
