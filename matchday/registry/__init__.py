"""Model registry on MLflow: runs with their bundles, versions of models, and the aliases that point to them.

No other package imports MLflow. A version is made in two steps, a finished run and then the version that points to it,
so a version that can be resolved has a whole bundle. A run that was interrupted between the two is registered by the
next call with the same content; one that was interrupted earlier is ignored. MLflow's usage telemetry is off.
"""

from matchday.registry.error import RegistryError
from matchday.registry.names import CHALLENGER, CHAMPION
from matchday.registry.registry import Registry
from matchday.registry.version import ModelVersion

__all__ = ["CHALLENGER", "CHAMPION", "ModelVersion", "Registry", "RegistryError"]
