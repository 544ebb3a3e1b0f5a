"""Step: bundle a model and register it as challenger."""

from kfp import dsl

from components.image import component


@component
def register(
    model_name: str,
    model: dsl.Input[dsl.Model],
    forecasts: dsl.Input[dsl.Dataset],
    run: str,
    traceparent: str = "",
) -> str:
    """Register the model with its scores and forecasts as `challenger`; returns the version.

    run: id of the pipeline's run, kept with the version.
    """
    from pathlib import Path

    from components.step import step
    from matchday.models.catalogue import model_kind
    from matchday.models.registration import register
    from matchday.registry import CHALLENGER, CHAMPION

    with step("register", traceparent) as here:
        kind = model_kind(model_name)
        version = register(kind, here.settings, Path(model.path), Path(forecasts.path), run)
        role = "champion already" if CHAMPION in version.aliases else CHALLENGER
        here.say(f"{version.name} version {version.version} is {role}")
        return str(version.version)
