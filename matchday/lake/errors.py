"""Failures of the lake."""

from matchday.errors import MatchdayError


class LakeError(MatchdayError):
    """A lake that lacks a table, or holds one that is damaged."""
