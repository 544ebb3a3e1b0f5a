"""Size of a predictor's Deployment: read for both versions, written for the candidate's alone."""

from rollout.kubernetes.api import Api
from rollout.kubernetes.kinds import DEPLOYMENT

SCALE = "scale"


class DeploymentSize:
    """How many pods a Deployment asks for, whoever decides it: KServe, an autoscaler, or a rollout."""

    def __init__(self, api: Api, name: str) -> None:
        self._api = api
        self._name = name

    def read(self) -> int | None:
        """Number of pods; None while there is no Deployment."""
        found = self._api.find(DEPLOYMENT, self._name, SCALE)
        return int(found["spec"].get("replicas") or 0) if found else None

    def write(self, pods: int) -> None:
        """Ask for a number of pods."""
        self._api.merge(DEPLOYMENT, self._name, {"spec": {"replicas": pods}}, SCALE)
