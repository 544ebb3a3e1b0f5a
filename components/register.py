"""Step: bundle the model and register it as challenger."""

from kfp import dsl

from components.image import component


@component
def register(model: dsl.Input[dsl.Model], forecasts: dsl.Input[dsl.Dataset]) -> str:
    """Register the model with its scores and forecasts as `challenger`; returns the version."""
    from pathlib import Path

    from components.step import step
    from matchday.models.candidate import register
    from matchday.registry import CHALLENGER, CHAMPION

    with step("register") as here:
        version = register(here.settings, Path(model.path), Path(forecasts.path))
        role = "champion already" if CHAMPION in version.aliases else CHALLENGER
        here.say(f"{version.name} version {version.version} is {role}")
        return str(version.version)
