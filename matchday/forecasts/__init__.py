"""Forecasts of matches that are still to be played: which come next, what is known of them, and the record."""
