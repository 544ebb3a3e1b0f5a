"""What is wrong with the odds of a user."""

from matchday.errors import MatchdayError


class MarketError(MatchdayError):
    """Odds, or forecasts, with which nothing can be compared."""
