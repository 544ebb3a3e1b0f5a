"""Step: report a model that did not pass the gate."""

from components.image import component


@component
def refuse(verdict: str, traceparent: str = "") -> str:
    """Report that nothing is registered and the champion stays; returns `refused`."""
    from components.step import step

    with step("refuse", traceparent) as here:
        here.say(f"gate says {verdict}: nothing is registered and the champion stays")
        return "refused"
