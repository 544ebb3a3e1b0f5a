"""What is known of the coming matches at a moment: schedule, and features of teams."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from matchday.forecasts.scheduled import ScheduledMatch
from matchday.forecasts.team_rows import TeamRows

NO_MATCH = ("cancelled", "abandoned", "awarded")


@dataclass(frozen=True)
class Knowledge:
    """What was known at `as_of`.

    fixtures: matches with a kick-off, of the seasons that are read. unscheduled: matches without one, with their state,
    such as postponed. rows: the newest row of each team in each feature view. made_anew: features that had to be made.
    """

    as_of: datetime
    fixtures: tuple[ScheduledMatch, ...]
    unscheduled: tuple[tuple[str, str], ...]
    rows: TeamRows
    made_anew: bool = False

    @property
    def played(self) -> datetime | None:
        """When the newest row of the features became known: the end of a match, or the opening of a season."""
        moments = [row["event_time"] for row in self.rows.get("team_form", {}).values()]
        return max(moments, default=None)


def find_unscheduled(
    observed: Iterable[dict[str, object]], fixtures: Iterable[ScheduledMatch]
) -> tuple[tuple[str, str], ...]:
    """Matches that sources list and the schedule lacks, each with its state. observed: versions, in any order."""
    scheduled = {one.match_id for one in fixtures}
    states: dict[str, str] = {}
    for row in sorted(observed, key=lambda one: str(one["known_at"])):
        match, status = str(row["match_id"]), str(row["status"])
        if match not in scheduled:
            states[match] = status if status in NO_MATCH else states.get(match, "postponed")
    return tuple(sorted(states.items()))
