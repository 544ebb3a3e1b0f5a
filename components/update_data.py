"""Step: ask the live sources, and take in what is new."""

from components.image import component


@component
def update_data(traceparent: str = "") -> str:
    """Ask every configured source; rows that cannot be true go to quarantine, the others to the lake.

    Returns `new` when tables changed, or when features or online store are not those of the tables (an earlier run was
    stopped), else `unchanged`. Fails when no source gave anything.
    """
    from components.step import step
    from matchday.collected.configured_update import update_configured
    from matchday.collected.report import describe_outcome
    from matchday.errors import MatchdayError
    from matchday.features.freshness import downstream_is_current
    from matchday.lake.reader import LakeReader

    with step("update-data", traceparent) as here:
        report = update_configured(here.settings)
        for outcome in report.sources:
            here.say(describe_outcome(outcome))
        for row in report.refused:
            here.say(f"refused: {row.id}, {row.table} of {row.source}, {row.key}: it {row.reason}")
        if report.sources and len(report.failed) == len(report.sources):
            raise MatchdayError("no source gave anything; the last good data stay")
        here.say(f"tables that changed: {', '.join(report.tables)}" if report.tables else "nothing is new")
        current = downstream_is_current(LakeReader(here.settings.lake), report.moment)
        return "new" if report.tables or not current else "unchanged"
