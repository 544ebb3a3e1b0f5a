"""Forecasts of matches that have not been played: which come next, what is known of them, and the record that is kept."""
