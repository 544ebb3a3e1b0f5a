"""Errors of the registry."""

from matchday.errors import MatchdayError
from matchday.patience import NotYet


class RegistryError(MatchdayError):
    """A model, version or alias does not exist, or MLflow refuses or cannot answer."""


class RegistryUnavailable(RegistryError, NotYet):
    """MLflow does not answer now; trying again may help."""
