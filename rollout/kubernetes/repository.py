"""ModelRollouts of a namespace by name."""

from rollout.kubernetes.annotations import annotations_of, commands_of
from rollout.kubernetes.api import Api, ObjectNotFound
from rollout.kubernetes.client import KubernetesClient, Object
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import spec_of, state_of
from rollout.repository import ChooseCommand, UnknownRollout
from rollout.spec import Spec, SpecError
from rollout.state import Commands, State
from rollout.store import Conflict

MOST_TRIES = 10
"""Of a command that meets other writes; the operator writes every few seconds at most."""


class ClusterRepository:
    """All rollouts of a namespace. The cluster is first asked by the first call."""

    def __init__(self, namespace: str, api: Api | None = None) -> None:
        """api: in place of that of the cluster that KUBECONFIG names, or of this pod."""
        self._namespace = namespace
        self._given_api = api

    @property
    def _api(self) -> Api:
        if self._given_api is None:
            self._given_api = Api(self._namespace, KubernetesClient())
        return self._given_api

    def names(self) -> list[str]:
        """All names, oldest first."""
        return [thing["metadata"]["name"] for thing in self._api.list(MODEL_ROLLOUT)]

    def create(self, name: str, spec: Spec) -> None:
        """Create a rollout. Raises SpecError when the name is taken."""
        try:
            self._api.create(MODEL_ROLLOUT, {"metadata": {"name": name}, "spec": spec.to_dict()})
        except Conflict:
            raise SpecError(f"there is a rollout {name} in {self._namespace} already: choose another name") from None

    def spec(self, name: str) -> Spec:
        """The specification of a rollout."""
        return spec_of(self._get(name))

    def state(self, name: str) -> State:
        """The current state of a rollout."""
        return state_of(self._get(name))

    def commands(self, name: str) -> Commands:
        """The commands given to a rollout."""
        return commands_of(self._get(name))

    def command(self, name: str, choose: ChooseCommand) -> Commands:
        """Change the commands that `choose` names, and no others. Raises Conflict when others write all the time."""
        for _ in range(MOST_TRIES - 1):
            try:
                return self._command_once(name, choose)
            except Conflict:
                continue
        return self._command_once(name, choose)

    def _command_once(self, name: str, choose: ChooseCommand) -> Commands:
        thing = self._get(name)
        change = annotations_of(choose(state_of(thing)))
        meta = {"resourceVersion": thing["metadata"]["resourceVersion"], "annotations": change}
        return commands_of(self._api.merge(MODEL_ROLLOUT, name, {"metadata": meta}))

    def _get(self, name: str) -> Object:
        try:
            return self._api.get(MODEL_ROLLOUT, name)
        except ObjectNotFound:
            known = ", ".join(self.names()) or "none"
            raise UnknownRollout(f"no rollout {name} in {self._namespace}; there are: {known}") from None
