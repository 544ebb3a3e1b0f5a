"""Why settings cannot be searched."""

from matchday.errors import MatchdayError


class TuningError(MatchdayError):
    """A study that cannot be opened or shared."""
