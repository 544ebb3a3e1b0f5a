"""What can be wrong with a model URI and what it leads to."""

from matchday.errors import MatchdayError


class StorageError(MatchdayError):
    """A model URI that leads nowhere, or to something that is not the bundle."""


class Unreachable(StorageError):
    """A tracking server that does not answer now; later it may."""
