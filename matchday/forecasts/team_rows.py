"""Features of teams as known at a moment, and vectors of matches made of them.

The same numbers as the server's own reader and Feast's joins give. One thing is ours: rest counts from the last
match that is scheduled before a match, where that is later than the last one played, as the schedule is known. So
the second match of a gameweek of two has the rest that the team will have had.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matchday.features.expiry import is_expired
from matchday.features.rest import days_since
from matchday.forecasts.scheduled import ScheduledMatch
from matchday.signature import FeatureRef

TeamRow = Mapping[str, Any]
TeamRows = Mapping[str, Mapping[str, TeamRow]]
"""The newest row of each team, by feature view and team."""


def newest_rows(rows: Iterable[TeamRow], as_of: datetime) -> dict[str, TeamRow]:
    """The newest row of each team that was known at a moment. rows: of one feature table, in any order."""
    found: dict[str, TeamRow] = {}
    for row in rows:
        known = found.get(row["team"])
        if row["event_time"] <= as_of and (known is None or row["event_time"] > known["event_time"]):
            found[str(row["team"])] = row
    return found


def last_kickoffs(match: ScheduledMatch, fixtures: Iterable[ScheduledMatch]) -> dict[str, float]:
    """When each of the two teams plays last before a match, Unix seconds, as scheduled; no entry without a match."""
    last: dict[str, float] = {}
    for one in fixtures:
        if one.kickoff < match.kickoff:
            for team in {*one.teams} & {*match.teams}:
                last[team] = max(last.get(team, 0.0), one.kickoff.timestamp())
    return last


def make_vectors(
    features: Sequence[FeatureRef],
    matches: Sequence[ScheduledMatch],
    fixtures: Sequence[ScheduledMatch],
    rows: TeamRows,
) -> NDArray[np.float32]:
    """Feature vectors (n, k), NaN where a team has no row. fixtures: the schedule of the matches' season."""
    vectors = [_vector(features, match, last_kickoffs(match, fixtures), rows) for match in matches]
    return np.array(vectors, np.float32).reshape(len(matches), len(features))


def expired_teams(match: ScheduledMatch, rows: TeamRows, ttls: Mapping[str, float]) -> list[str]:
    """The teams of a match of which a row is out of date at its kick-off. ttls: of the views that are read, seconds."""
    kickoff = match.kickoff.timestamp()
    return [
        team
        for team in match.teams
        if any(
            is_expired(rows[view][team]["event_time"].timestamp(), kickoff, ttl)
            for view, ttl in ttls.items()
            if team in rows[view]
        )
    ]


def _vector(
    features: Sequence[FeatureRef], match: ScheduledMatch, last: Mapping[str, float], rows: TeamRows
) -> list[float]:
    teams = {"home": match.home, "away": match.away}
    values = []
    for feature in features:
        team = teams[feature.input]
        stored = rows[feature.view].get(team, {}).get(feature.feature)
        value = float("nan") if stored is None else float(stored)
        if feature.derived is not None:
            value = days_since(max(value, last.get(team, 0.0)), match.kickoff.timestamp(), feature.derived.at_most)
        values.append(value)
    return values
