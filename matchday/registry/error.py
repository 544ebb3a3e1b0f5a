"""What goes wrong with the registry."""

from matchday.errors import MatchdayError


class RegistryError(MatchdayError):
    """A model, version or alias that is not there, or an MLflow that cannot answer."""
