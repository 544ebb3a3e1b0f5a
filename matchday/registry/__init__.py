"""The one door to MLflow: runs with their bundles, versions of models, and the aliases that point to them.

A version is made in two steps, a finished run and then the version that points to it, so that nobody ever
resolves one whose bundle is not whole. A run that was cut off between the two is taken up by the next call
with the same content; one cut off earlier is ignored. MLflow's own usage telemetry is off.
"""

from matchday.registry.error import RegistryError
from matchday.registry.names import CHALLENGER, CHAMPION
from matchday.registry.registry import Registry
from matchday.registry.version import ModelVersion

__all__ = ["CHALLENGER", "CHAMPION", "ModelVersion", "Registry", "RegistryError"]
