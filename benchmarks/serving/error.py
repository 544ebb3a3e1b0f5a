"""What a person can mend before a benchmark runs."""

from matchday.errors import MatchdayError


class BenchError(MatchdayError):
    """The benchmark cannot run, or its result would mean nothing."""
