"""Error of the online store."""

from matchday.errors import MatchdayError


class StoreError(MatchdayError):
    """The online store cannot be read, or does not hold what it should."""
