"""Step: fill the online store as of a moment."""

from components.image import component


@component
def materialise(features: str, as_of: str = "", traceparent: str = "") -> str:
    """Apply the Feast definitions and fill the online store with what was known before `as_of`; returns `as_of`.

    An empty `as_of` is the present moment.
    """
    from datetime import UTC, datetime

    from components.step import step
    from feature_repo.materialise import materialise
    from matchday import calendar
    from matchday.features.freshness import note_materialised
    from matchday.lake.reader import LakeReader

    with step("materialise", traceparent) as here:
        moment = calendar.parse(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
        materialise(here.settings, here.lake, features, moment)
        note_materialised(LakeReader(here.settings.lake), features, moment)
        here.say(f"the online store holds every team as known at {moment:%Y-%m-%d %H:%M} UTC")
        return moment.isoformat()
