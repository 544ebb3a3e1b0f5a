"""Durations in seconds."""

DAY = 86_400.0
