"""Error of the feature store."""

from matchday.errors import MatchdayError


class FeatureStoreError(MatchdayError):
    """The feature store cannot be written, or lacks features that were requested."""
