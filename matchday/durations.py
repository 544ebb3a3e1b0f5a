"""Durations."""

from datetime import timedelta

DAY = 86_400.0
"""Seconds."""

FULL_TIME = timedelta(hours=2)
"""From kick-off to the moment when the result is known."""
