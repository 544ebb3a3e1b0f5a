"""Failure to reach, read or write events that a person can act on."""

from matchday.errors import MatchdayError


class EventsError(MatchdayError):
    """Events that cannot be written or read: a bad address or setting, a broker or a disk that does not answer."""
