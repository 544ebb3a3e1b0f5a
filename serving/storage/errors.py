"""What can be wrong with a model URI and what it leads to."""

from matchday.errors import MatchdayError


class FetchError(MatchdayError):
    """A model URI that leads nowhere, or to something that is not the bundle."""


class Absent(FetchError):
    """A model, a version or an alias that the registry does not have now; later it may."""


class Untrained(Absent):
    """A model without a champion: its first training may be under way."""


class Unreachable(FetchError):
    """A tracking server that does not answer now; later it may."""
