"""What goes wrong with the registry."""

from matchday.errors import MatchdayError
from matchday.patience import NotYet


class RegistryError(MatchdayError):
    """A model, version or alias that is not there, or an MLflow that cannot answer."""


class Silent(RegistryError, NotYet):
    """An MLflow that does not answer now."""
