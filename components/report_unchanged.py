"""Step: report that nothing is new."""

from components.image import component


@component
def report_unchanged(news: str, traceparent: str = "") -> str:
    """Report that nothing is new, so nothing else runs; returns what it was given."""
    from components.step import step

    with step("report-unchanged", traceparent) as here:
        here.say("features and online store stay as they are")
        return news
