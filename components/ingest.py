"""Step: take the bundled history into the lake."""

from components.image import component


@component
def ingest(traceparent: str = "") -> str:
    """Take the bundled history into the lake; returns its fingerprint."""
    from components.step import step
    from matchday import history
    from matchday.sources.snapshot import Snapshot

    with step("ingest", traceparent) as here:
        taken = history.ingest(Snapshot(here.settings.snapshot), here.lake)
        here.say(f"history {taken.history} " + ("is in the lake already" if taken.unchanged else "taken into the lake"))
        return taken.history
