"""Rounds of the operator: one pass over all ModelRollouts of a namespace, each reconciled once."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from matchday.errors import MatchdayError
from matchday.telemetry import logger
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError, Object
from rollout.kubernetes.events import Events
from rollout.kubernetes.kinds import INFERENCE_SERVICE, MODEL_ROLLOUT
from rollout.kubernetes.leftover import Leftover, any_active, end_leftover
from rollout.kubernetes.model_rollout import StatusCondition, spec_of, state_of, user_changes
from rollout.kubernetes.splitters.inference_service import MODE, mode_of
from rollout.kubernetes.splitters.knative import KnativeSplitter
from rollout.kubernetes.splitters.standard import StandardSplitter
from rollout.kubernetes.splitters.standard_conditions import changed_conditions
from rollout.kubernetes.store import ClusterStore, remove_finalizer
from rollout.reconciler import Reconciler
from rollout.sources import Sources
from rollout.spec import Spec, SpecError
from rollout.splitter import Splitter
from rollout.state import HistoryEntry, Phase, State, StateError
from rollout.store import Conflict

PARALLEL_SERVICES = 4
"""Services handled at the same time; rollouts of one service are never parallel."""
ENDED_SECONDS = 60.0
"""Between two rounds of a rollout that has ended; its alias may have moved."""


class ClusterSplitter(Splitter, Protocol):
    """A splitter on Kubernetes. last_conditions: those that it was asked for last, which are in the status."""

    last_conditions: list[StatusCondition]

    def prepare(self) -> None:
        """Prepare a service for rollouts: pin it to what it serves, and open its public route."""

    def conditions(self) -> Iterable[StatusCondition]:
        """Conditions that describe how it splits now."""

    def leftover(self) -> Leftover | None:
        """What a rollout has made of the service and not taken back yet; None where there is nothing."""


def splitter_of(api: Api, service: str, model: str) -> ClusterSplitter:
    """The splitter for the mode of a service."""
    found = api.find(INFERENCE_SERVICE, service) or {"metadata": {}}
    annotated = (found["metadata"].get("annotations") or {}).get(MODE, "")
    mode = mode_of(found.get("status", {}).get("deploymentMode", "") or annotated)
    return KnativeSplitter(api, service, model) if mode == "Knative" else StandardSplitter(api, service, model)


class Rounds:
    """All rollouts of a namespace. One process at a time calls `run_once`: the holder of the lease."""

    def __init__(
        self,
        api: Api,
        sources: Sources,
        events: Events,
        models: Mapping[str, str] | None = None,
        splitter: Callable[[Api, str, str], ClusterSplitter] = splitter_of,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """models: model of each service that is kept ready for rollouts."""
        self._api = api
        self._sources = sources
        self._events = events
        self._models = dict(models or {})
        self._splitter = splitter
        self._clock = clock
        self._last_rounds: dict[str, tuple[float, Any]] = {}
        self._unreadable: dict[str, str] = {}
        self._log = logger("rollout")

    def run_once(self) -> None:
        """Reconcile every rollout once. An error is logged; the next round tries again."""
        try:
            listed = self._api.list(MODEL_ROLLOUT)
        except (ApiError, Conflict) as error:
            self._log.warning("rollouts not listed", reason=str(error))
            return
        by_service: dict[str, list[Object]] = defaultdict(list)
        for thing in listed:
            by_service[thing["spec"]["inferenceService"]].append(thing)
        services = {*by_service, *self._models}
        with ThreadPoolExecutor(PARALLEL_SERVICES) as pool:
            list(pool.map(lambda name: self._handle_service(name, by_service.get(name, [])), services))

    def _handle_service(self, name: str, rollouts: list[Object]) -> None:
        """Prepare one service, end what a deleted rollout has left, and reconcile its rollouts, one after the other."""
        if name in self._models:
            self._log_errors(name, self._prepare, name, self._models[name])
        if not any_active(rollouts):
            self._log_errors(name, self._end_leftover, name, self._models.get(name) or _model_of(rollouts))
        for thing in rollouts:
            self._log_errors(thing["metadata"]["name"], self._handle_rollout, thing)

    def _log_errors(self, name: str, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(*arguments)
        except (MatchdayError, Conflict) as error:
            self._log.warning("put off", name=name, reason=str(error))
        except Exception as error:  # noqa: BLE001
            self._log.error("failed", name=name, reason=f"{type(error).__name__}: {error}", exc_info=True)

    def _prepare(self, service: str, model: str) -> None:
        self._splitter(self._api, service, model).prepare()

    def _end_leftover(self, service: str, model: str) -> None:
        splitter = self._splitter(self._api, service, model)
        if left := splitter.leftover():
            self._log.info("ends what a deleted rollout left", service=service, version=left.candidate)
            end_leftover(splitter, left, model, self._sources.versions, self._clock())

    def _handle_rollout(self, thing: Object) -> None:
        if remove_finalizer(self._api, thing) or not self._is_due(thing):
            return
        name = thing["metadata"]["name"]
        try:
            spec = spec_of(thing)
        except SpecError as error:
            self._refuse(thing, error)
            return
        splitter = self._splitter(self._api, spec.inference_service, spec.model)
        store = ClusterStore(self._api, name, splitter.conditions)
        self._reconcile(spec, splitter, store, thing)

    def _is_due(self, thing: Object) -> bool:
        """Whether a rollout needs a round now. One that has ended does seldom, and at once after a person's change.

        Raises StateError, and sends one event, for a state that this release cannot read.
        """
        name, now = thing["metadata"]["name"], self._clock()
        last, changes = self._last_rounds.get(name, (0.0, None))
        if self._read_state(thing).ended and now - last < ENDED_SECONDS and changes == user_changes(thing):
            return False
        self._last_rounds[name] = (now, user_changes(thing))
        return True

    def _read_state(self, thing: Object) -> State:
        name = thing["metadata"]["name"]
        try:
            return state_of(thing)
        except StateError as error:
            if self._unreadable.get(name) != str(error):
                self._unreadable[name] = str(error)
                self._events.send(thing, "Unreadable", str(error), warning=True)
            raise

    def _reconcile(self, spec: Spec, splitter: ClusterSplitter, store: ClusterStore, thing: Object) -> None:
        def announce(entry: HistoryEntry) -> None:
            self._log.info("decided", name=thing["metadata"]["name"], phase=str(entry.phase), reason=entry.reason)
            self._events.send_decision(thing, entry)

        before = state_of(thing)
        state = Reconciler(spec, splitter, self._sources, store, self._clock, announce).reconcile()
        for each in changed_conditions(thing, splitter.last_conditions):
            self._events.send(thing, each.reason, each.message, warning=each.status == "False")
        if state.gate and state.gate != before.gate:
            self._events.send(thing, "AwaitsApproval", f"a person must approve {state.gate}")
        if state.paused != before.paused:
            self._events.send(thing, "Paused" if state.paused else "Resumed", state.reason)

    def _refuse(self, thing: Object, error: SpecError) -> None:
        """Refuse a specification that this release cannot carry out; an active rollout stays until it is mended."""
        store = ClusterStore(self._api, thing["metadata"]["name"])
        state = store.load()
        if state.active or state.reason == str(error):
            self._log.warning("cannot be carried out", name=thing["metadata"]["name"], reason=str(error))
            return
        store.save(state.transition(self._clock(), Phase.REFUSED, str(error)))
        self._events.send(thing, str(Phase.REFUSED), str(error), warning=True)


def _model_of(rollouts: Iterable[Object]) -> str:
    """The model of a service that only its ModelRollouts name."""
    named = (thing["spec"].get("model") for thing in rollouts)
    return str(next(filter(None, named), Spec.model_fields["model"].default))
