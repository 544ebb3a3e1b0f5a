"""Step: make a challenger champion, if it is better."""

from components.image import component


@component
def promote(model_name: str, version: str, as_of: str, traceparent: str = "") -> str:
    """Compare a version with the champion on the matches that both have forecast; returns the reason."""
    from components.step import step
    from matchday import calendar
    from matchday.models.catalogue import model_kind
    from matchday.models.champion import promote

    with step("promote", traceparent) as here:
        decision = promote(model_kind(model_name), here.settings, version, calendar.parse(as_of))
        here.say(("promoted: " if decision.promoted else "not promoted: ") + decision.reason)
        return decision.reason
