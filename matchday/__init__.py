"""The domain of Matchday: data, ratings, features, models and scores of football forecasts."""

__version__ = "0.1.0"
