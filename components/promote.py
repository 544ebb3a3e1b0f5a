"""Step: make the challenger champion, if it deserves it."""

from components.image import component


@component
def promote(version: str, as_of: str, traceparent: str = "") -> str:
    """Hold a version against the champion on the matches both have forecast; returns the reason."""
    from components.step import step
    from matchday import calendar
    from matchday.models.candidate import promote

    with step("promote", traceparent) as here:
        decision = promote(here.settings, version, calendar.parse(as_of))
        here.say(("promoted: " if decision.promoted else "not promoted: ") + decision.reason)
        return decision.reason
