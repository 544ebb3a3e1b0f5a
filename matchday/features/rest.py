"""Days of rest, computed here for training and for the server. Light, since the server imports it."""

from matchday.durations import DAY

LONGEST_REST = 14.0
"""Days of rest beyond which more rest says nothing; also the rest of a team that has not played yet."""


def days_since(moment: float, until: float, at_most: float) -> float:
    """Days from one moment to another, both in Unix seconds: at least 0, at most `at_most`. NaN when `moment` is."""
    return min(max((until - moment) / DAY, 0.0), at_most)
