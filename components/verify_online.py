"""Step: compare the online store with the lake."""

from components.image import component


@component
def verify_online(features: str, as_of: str, traceparent: str = "") -> str:
    """Read some features of every view from the online store and by Feast's join from the lake; returns `equal`.

    Fails, naming a feature, when one has another value.
    """
    from components.step import step
    from feature_repo.verification import verify_views
    from matchday import calendar

    with step("verify-online", traceparent) as here:
        found = verify_views(here.settings, here.lake, features, calendar.parse(as_of))
        if found.ahead:
            here.say(f"{found.ahead} values were not compared: they were streamed in and are newer than the lake")
        here.say(f"{found.values} values of {found.rows} rows of entities are equal online and offline")
        return "equal"
