"""Failures of storage."""

from matchday.errors import MatchdayError


class StorageError(MatchdayError):
    """A root that cannot be reached, read or written."""


class PreconditionFailed(StorageError):
    """A conditional write that was not carried out: the object was written by another since it was read."""
