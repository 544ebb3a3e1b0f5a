"""Betting odds, read from the user's own files, and the model's forecasts beside them. Never a feature."""
