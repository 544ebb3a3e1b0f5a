"""Step: take the bundled history into the lake, and fix the moment that the run is about."""

from typing import NamedTuple

from components.image import component


@component
def ingest(as_of: str = "", traceparent: str = "") -> NamedTuple("Ingested", [("history", str), ("as_of", str)]):  # type: ignore[valid-type]
    """Take the bundled history into the lake; returns its fingerprint, and `as_of`.

    An empty `as_of` is the present moment. It is read once, here, so that caching and lineage of the steps that follow
    have one fixed value.
    """
    from datetime import UTC, datetime
    from typing import NamedTuple

    from components.step import step
    from matchday import calendar, history
    from matchday.sources.snapshot import Snapshot

    class Ingested(NamedTuple):
        history: str
        as_of: str

    with step("ingest", traceparent) as here:
        moment = calendar.parse(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
        taken = history.ingest(Snapshot(here.settings.snapshot), here.lake)
        here.say(f"history {taken.history} " + ("is in the lake already" if taken.unchanged else "taken into the lake"))
        return Ingested(taken.history, moment.isoformat())
