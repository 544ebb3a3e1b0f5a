"""What the operator does again and again: look at every ModelRollout of its namespace, and carry each one on a step."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from matchday.errors import MatchdayError
from matchday.telemetry import logger
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError, Object
from rollout.kubernetes.events import Events
from rollout.kubernetes.kinds import INFERENCE_SERVICE, MODEL_ROLLOUT
from rollout.kubernetes.model_rollout import StatusCondition, asked, deleted, spec_of, state_of, under_way
from rollout.kubernetes.splitters.inference_service import MODE, mode_of
from rollout.kubernetes.splitters.knative import KnativeSplitter
from rollout.kubernetes.splitters.standard import StandardSplitter
from rollout.kubernetes.store import ClusterStore
from rollout.reconciler import Reconciler
from rollout.sources import Sources
from rollout.spec import Spec, SpecError
from rollout.splitter import Splitter
from rollout.state import HistoryEntry, Phase, State, StateError
from rollout.store import Conflict

AT_ONCE = 4
"""Services that are looked at at the same time; the rollouts of one service never are."""
REST_SECONDS = 60.0
"""Between two looks at a rollout that has ended: its alias may have moved."""


class ClusterSplitter(Splitter, Protocol):
    """What a splitter on Kubernetes can do besides."""

    def adopt(self) -> None:
        """See that a service is ready for rollouts: pinned to what it serves, its public host open."""

    def conditions(self) -> Iterable[StatusCondition]:
        """What is worth knowing about how it splits now."""


def splitter_of(api: Api, service: str, model: str) -> ClusterSplitter:
    """The splitter for the mode that a service is in."""
    found = api.find(INFERENCE_SERVICE, service) or {"metadata": {}}
    told = (found["metadata"].get("annotations") or {}).get(MODE, "")
    mode = mode_of(found.get("status", {}).get("deploymentMode", "") or told)
    return KnativeSplitter(api, service, model) if mode == "Knative" else StandardSplitter(api, service, model)


class Rounds:
    """All rollouts of a namespace. `once` is called by one process at a time: the holder of the lease."""

    def __init__(
        self,
        api: Api,
        sources: Sources,
        events: Events,
        services: Iterable[tuple[str, str]] = (),
        splitter: Callable[[Api, str, str], ClusterSplitter] = splitter_of,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """services: those to keep ready for rollouts, each with its model."""
        self._api = api
        self._sources = sources
        self._events = events
        self._services = tuple(services)
        self._splitter = splitter
        self._clock = clock
        self._looked: dict[str, tuple[float, Any]] = {}
        self._unreadable: dict[str, str] = {}
        self._log = logger("rollout")

    def once(self) -> None:
        """One look at everything. What fails is told in the log and tried again with the next round."""
        try:
            listed = self._api.list(MODEL_ROLLOUT)
        except (ApiError, Conflict) as error:
            self._log.warning("no look at the rollouts", reason=str(error))
            return
        by_service: dict[str, list[Object]] = defaultdict(list)
        for thing in listed:
            by_service[thing["spec"]["inferenceService"]].append(thing)
        jobs = [(name, by_service.get(name, [])) for name in {*by_service, *(name for name, _ in self._services)}]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda job: self._service(*job), jobs))

    def _service(self, name: str, rollouts: list[Object]) -> None:
        """The rollouts of one service, one after the other."""
        for service, model in self._services:
            if service == name:
                self._guarded(name, self._adopt, name, model)
        for thing in rollouts:
            self._guarded(thing["metadata"]["name"], self._rollout, thing)

    def _due(self, thing: Object) -> bool:
        """An ended rollout is looked at seldom, as each look asks the registry, and at once when people changed it."""
        name, now = thing["metadata"]["name"], self._clock()
        last, changed = self._looked.get(name, (0.0, None))
        if state_of(thing).ended and now - last < REST_SECONDS and changed == asked(thing):
            return False
        self._looked[name] = (now, asked(thing))
        return True

    def _guarded(self, name: str, act: Callable[..., None], *given: Any) -> None:
        try:
            act(*given)
        except (MatchdayError, Conflict) as error:
            self._log.warning("put off", name=name, reason=str(error))
        except Exception as error:  # noqa: BLE001
            self._log.error("failed", name=name, reason=f"{type(error).__name__}: {error}", exc_info=True)

    def _adopt(self, service: str, model: str) -> None:
        self._splitter(self._api, service, model).adopt()

    def _rollout(self, thing: Object) -> None:
        name = thing["metadata"]["name"]
        try:
            due = self._due(thing)
        except StateError as error:
            if self._unreadable.get(name) != str(error):
                self._unreadable[name] = str(error)
                self._events.tell(thing, "Unreadable", str(error), warning=True)
            raise
        if not due:
            return
        try:
            spec = spec_of(thing)
        except SpecError as error:
            self._refused(thing, error)
            return
        splitter = self._splitter(self._api, spec.inference_service, spec.model)
        store = ClusterStore(self._api, name, splitter.conditions)
        state = self._carried_on(spec, splitter, store, thing)
        if deleted(thing) and not under_way(state):
            store.let_go()

    def _carried_on(self, spec: Spec, splitter: Splitter, store: ClusterStore, thing: Object) -> State:
        def announce(entry: HistoryEntry) -> None:
            self._log.info("decided", name=thing["metadata"]["name"], phase=str(entry.phase), reason=entry.reason)
            self._events.decision(thing, entry)

        before = state_of(thing)
        state = Reconciler(spec, splitter, self._sources, store, self._clock, announce).tick()
        if state.gate and state.gate != before.gate:
            self._events.tell(thing, "AwaitsApproval", f"a person must approve {state.gate}")
        if state.paused != before.paused:
            self._events.tell(thing, "Paused" if state.paused else "Resumed", state.reason)
        return state

    def _refused(self, thing: Object, error: SpecError) -> None:
        """A spec that this release cannot carry out: one that was begun stays where it is until it is mended."""
        store = ClusterStore(self._api, thing["metadata"]["name"])
        state = store.load()
        if under_way(state) or state.reason == str(error):
            self._log.warning("cannot be carried out", name=thing["metadata"]["name"], reason=str(error))
            return
        store.save(state.to(self._clock(), Phase.REFUSED, str(error)))
        self._events.tell(thing, str(Phase.REFUSED), str(error), warning=True)
