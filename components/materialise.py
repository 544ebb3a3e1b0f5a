"""Step: fill the online store as of a moment."""

from components.image import component


@component
def materialise(features: str, as_of: str, traceparent: str = "") -> str:
    """Apply the Feast definitions and fill the online store with what was known before `as_of`; returns `as_of`."""
    from components.step import step
    from feature_repo.materialise import materialise
    from matchday import calendar

    with step("materialise", traceparent) as here:
        materialise(here.settings, here.lake, features, calendar.parse(as_of))
        here.say(f"the online store holds every team as known at {calendar.parse(as_of):%Y-%m-%d %H:%M} UTC")
        return as_of
