"""All ModelRollouts of a namespace, as people see them."""

from rollout.kubernetes.api import Api, NotFound
from rollout.kubernetes.client import KubernetesClient, Object
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import annotations_of, requests_of, spec_of, state_of
from rollout.repository import UnknownRollout
from rollout.spec import Spec, SpecError
from rollout.state import Commands, State
from rollout.store import Conflict


class ClusterRepository:
    """By name. Nothing is asked before the first call."""

    def __init__(self, namespace: str, api: Api | None = None) -> None:
        """api: in place of the cluster that KUBECONFIG names, or of this pod's."""
        self._namespace = namespace
        self._given = api

    @property
    def _api(self) -> Api:
        if self._given is None:
            self._given = Api(self._namespace, KubernetesClient())
        return self._given

    def names(self) -> list[str]:
        """Their names, oldest first."""
        return [thing["metadata"]["name"] for thing in self._api.list(MODEL_ROLLOUT)]

    def create(self, name: str, spec: Spec) -> None:
        """Ask for a rollout."""
        try:
            self._api.create(MODEL_ROLLOUT, {"metadata": {"name": name}, "spec": spec.to_dict()})
        except Conflict:
            raise SpecError(f"there is a rollout {name} in {self._namespace} already: choose another name") from None

    def spec(self, name: str) -> Spec:
        """What was asked for."""
        return spec_of(self._get(name))

    def state(self, name: str) -> State:
        """What is the case."""
        return state_of(self._get(name))

    def requests(self, name: str) -> Commands:
        """What people ask of it."""
        return requests_of(self._get(name))

    def ask(self, name: str, requests: Commands) -> None:
        """Ask that of it from now on."""
        self._get(name)
        self._api.merge(MODEL_ROLLOUT, name, {"metadata": {"annotations": annotations_of(requests)}})

    def _get(self, name: str) -> Object:
        try:
            return self._api.get(MODEL_ROLLOUT, name)
        except NotFound:
            known = ", ".join(self.names()) or "none"
            raise UnknownRollout(f"no rollout {name} in {self._namespace}; there are: {known}") from None
