"""Failures of fetching a bundle by its model URI."""

from matchday.errors import MatchdayError


class FetchError(MatchdayError):
    """A model URI without a bundle that can be had."""


class Absent(FetchError):
    """A model, a version or an alias that the registry does not have now; later it may."""


class Untrained(Absent):
    """A model without a champion: its first training may be under way."""


class Unreachable(FetchError):
    """A tracking server that does not answer now; later it may."""
