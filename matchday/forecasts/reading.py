"""Reads what is known of the coming matches from the lake.

As of now that is what the lake holds. Of an earlier moment, what live sources have said since then must not count:
where they have said anything, schedule and features are made anew from what was known (`past_knowledge`, some seconds).
"""

from datetime import datetime

from matchday.features.freshness import TEAM_FEATURES, features_are_current
from matchday.forecasts.knowledge import Knowledge, find_unscheduled
from matchday.forecasts.scheduled import ScheduledMatch
from matchday.forecasts.team_rows import newest_rows
from matchday.lake.reader import LakeReader
from matchday.settings import Settings

OBSERVED = ("observed_teams", "observed_fixtures", "observed_appearances")
"""Observations that schedule and features are made of."""

JUNE = 6
"""The month in which a season opens."""


def read_knowledge(settings: Settings, as_of: datetime | None, now: datetime) -> Knowledge:
    """What was known at a moment, by default now.

    Features that the lake lacks are made and written there first, where matches are to come; an empty lake gets the
    bundled history. Raises LakeError, HistoryError, SnapshotError.
    """
    reader = LakeReader(settings.lake)
    collected = LakeReader(settings.collected)
    if as_of is not None and said_since(collected, as_of):
        from matchday.forecasts.past_knowledge import rebuild_knowledge

        return rebuild_knowledge(settings, as_of)
    moment = as_of or now
    made_anew = reader.fingerprint("fixtures") is None
    if made_anew:
        make_features(settings)
    seasons = living_seasons(reader, moment)
    fixtures = [ScheduledMatch.of_row(row) for row in reader.rows("fixtures", seasons)]
    if any(one.kickoff > moment for one in fixtures) and not features_are_current(reader):
        make_features(settings)
        made_anew = True
    rows = {view: newest_rows(reader.rows(view, seasons), moment) for view in TEAM_FEATURES}
    unscheduled = find_unscheduled(collected.rows("observed_fixtures", seasons), fixtures)
    return Knowledge(moment, tuple(fixtures), unscheduled, rows, made_anew)


def make_features(settings: Settings) -> None:
    """Make the feature tables of the history in the lake; of the bundled one, where it has none."""
    from matchday.forecasts.past_knowledge import build_features

    build_features(settings)


def said_since(collected: LakeReader, moment: datetime) -> bool:
    """Whether live sources have said anything at a moment or since."""
    return any(row["known_at"] >= moment for table in OBSERVED for row in collected.rows(table, columns=["known_at"]))


def living_seasons(reader: LakeReader, moment: datetime) -> list[str]:
    """The season that a moment lies in and the next one, as far as the schedule has them."""
    year = moment.year if moment.month >= JUNE else moment.year - 1
    wanted = [f"{first % 100:02}{(first + 1) % 100:02}" for first in (year - 1, year, year + 1)]
    return [season for season in wanted if season in reader.seasons("fixtures")]
