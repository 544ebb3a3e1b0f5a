"""Failures that a person can act on."""


class MatchdayError(Exception):
    """A known failure. Its message is one plain line that says what was wrong, where, and what to do."""
