"""Scores of forecasts: `outcome` of probabilities of results, `goals` of numbers of goals."""
