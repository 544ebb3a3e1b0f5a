"""Names below the root of what was collected, beside the tables."""

RESTORING = "restoring.json"
"""A restore has begun and is not over."""

BATCHES = "forecast_batches"
"""Batches of forecasts, each a file that is named by its SHA-256."""
