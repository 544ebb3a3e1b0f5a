"""What can be wrong with what was collected."""

from matchday.errors import MatchdayError


class CollectedError(MatchdayError):
    """What was collected is not usable as it is. The message says why, and what to do."""


class ClockError(CollectedError):
    """This machine's clock is behind what was observed already."""
