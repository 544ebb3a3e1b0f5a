"""Rounds of the operator: one pass over all ModelRollouts of a namespace, each reconciled once, service by service."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from matchday.errors import MatchdayError
from matchday.telemetry import logger
from rollout.kubernetes.annotations import commands_of
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError, Object
from rollout.kubernetes.conditions import StatusCondition
from rollout.kubernetes.events import Events
from rollout.kubernetes.kinds import INFERENCE_SERVICE, MODEL_ROLLOUT
from rollout.kubernetes.leftover import Leftover, any_active, end_leftover
from rollout.kubernetes.metrics import OperatorMetrics
from rollout.kubernetes.model_rollout import service_of, spec_of, state_of, user_changes
from rollout.kubernetes.service_threads import ServiceThreads
from rollout.kubernetes.splitters.canary import leftover_storage
from rollout.kubernetes.splitters.inference_service import MODE, InferenceService, mode_of
from rollout.kubernetes.splitters.knative import KnativeSplitter
from rollout.kubernetes.splitters.standard import StandardSplitter
from rollout.kubernetes.splitters.standard_conditions import changed_conditions
from rollout.kubernetes.storage_versions import StorageVersions
from rollout.kubernetes.store import ClusterStore, remove_finalizer
from rollout.reconciler import Reconciler
from rollout.sources import Sources
from rollout.spec import Spec, SpecError
from rollout.splitter import Splitter
from rollout.state import HistoryEntry, Phase, PromotionStage, State, StateError
from rollout.store import Conflict

SLOW_SECONDS = 30.0
"""Length of a round from which probe and metrics name its service."""
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


def splitter_of(api: Api, service: str, model: str, candidate_uri: str = "") -> ClusterSplitter:
    """The splitter for the mode of a service. candidate_uri: where no registry holds the model, in Standard mode."""
    found = api.find(INFERENCE_SERVICE, service) or {"metadata": {}}
    annotated = (found["metadata"].get("annotations") or {}).get(MODE, "")
    mode = mode_of(found.get("status", {}).get("deploymentMode", "") or annotated)
    if mode == "Knative" and not candidate_uri:
        return KnativeSplitter(api, service, model)
    return StandardSplitter(api, service, model, candidate_uri=candidate_uri)


class Rounds:
    """All rollouts of a namespace. One process at a time calls `run_once`: the holder of the lease."""

    def __init__(
        self,
        api: Api,
        sources: Sources,
        events: Events,
        models: Mapping[str, str] | None = None,
        splitter: Callable[..., ClusterSplitter] = splitter_of,
        clock: Callable[[], float] = time.time,
        patience: float | None = None,
        held: Callable[[], bool] = lambda: True,
        metrics: OperatorMetrics | None = None,
        others: Iterable[str] = (),
    ) -> None:
        """models: model of each service that is kept ready for rollouts.

        others: services in which only the leftovers of deleted rollouts are ended, without any preparation.

        patience: seconds that a pass waits for its slowest service; None: until all have ended. held: whether this
        process has the lease, for its metrics. metrics: those of the operator, where these rounds are of another
        namespace than its own: there the names of this one begin with the namespace.
        """
        self._api = api
        self._sources = sources
        self._events = events
        self._models = dict(models or {})
        self._others = frozenset(others)
        self._splitter = splitter
        self._clock = clock
        self._patience = patience
        self.threads = ServiceThreads()
        self._prefix = f"{api.namespace}/" if metrics else ""
        self.metrics = metrics or OperatorMetrics(held)
        self.metrics.watch(self.slow)
        self._last_rounds: dict[str, tuple[float, Any]] = {}
        self._unreadable: dict[str, str] = {}
        self._log = logger("rollout")

    def slow(self) -> dict[str, float]:
        """Services whose round has been under way for long, and for how many seconds."""
        return {self._prefix + name: seconds for name, seconds in self.threads.slow(SLOW_SECONDS).items()}

    def run_once(self) -> None:
        """Reconcile every rollout once, but those of services whose last round is still under way.

        An error is logged; the next round tries again.
        """
        try:
            listed = self._api.list(MODEL_ROLLOUT)
        except (ApiError, Conflict) as error:
            self._log.warning("rollouts not listed", reason=str(error))
            return
        by_service: dict[str, list[Object]] = defaultdict(list)
        for thing in listed:
            by_service[service_of(thing)].append(thing)
        self.metrics.keep({self._prefix + thing["metadata"]["name"] for thing in listed}, self._prefix)
        services = {*by_service, *self._models, *self._others}
        rounds = {name: partial(self._handle_service, name, by_service.get(name, [])) for name in services}
        self.threads.run(rounds, self._patience)

    def _handle_service(self, name: str, rollouts: list[Object]) -> None:
        """Prepare one service, end what a deleted rollout has left, and reconcile its rollouts, one after the other."""
        self.metrics.rounds.labels(self._prefix + name).inc()
        if name in self._models:
            self._log_errors(name, name, self._prepare, name, self._models[name])
        if not any_active(rollouts):
            self._log_errors(name, name, self._end_leftover, name, rollouts)
        for thing in rollouts:
            self._log_errors(name, thing["metadata"]["name"], self._handle_rollout, thing)

    def _log_errors(self, service: str, name: str, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(*arguments)
        except (MatchdayError, Conflict) as error:
            self.metrics.errors.labels(self._prefix + service).inc()
            self._log.warning("put off", name=name, reason=str(error))
        except Exception as error:  # noqa: BLE001
            self.metrics.errors.labels(self._prefix + service).inc()
            self._log.error("failed", name=name, reason=f"{type(error).__name__}: {error}", exc_info=True)

    def _prepare(self, service: str, model: str) -> None:
        self._splitter(self._api, service, model).prepare()

    def _end_leftover(self, service: str, rollouts: list[Object]) -> None:
        """A service that no rollout has pinned has nothing of one, whatever its route: a person's split stays."""
        found = self._api.find(INFERENCE_SERVICE, service)
        uri, named = leftover_storage(found) if found else ("", "")
        model = self._models.get(service) or named or _model_of(rollouts)
        splitter = self._open_splitter(service, model, uri)
        left = splitter.leftover()
        if left and (left.candidate or left.stable or service in self._models):
            self._log.info("ends what a deleted rollout left", service=service, version=left.candidate)
            end_leftover(splitter, left, model, self._sources_of(service, model, uri).versions, self._clock())

    def _open_splitter(self, service: str, model: str, candidate_uri: str) -> ClusterSplitter:
        given = {"candidate_uri": candidate_uri} if candidate_uri else {}
        return self._splitter(self._api, service, model, **given)

    def _sources_of(self, service: str, model: str, candidate_uri: str) -> Sources:
        """The sources; versions are those of the service's storage where no registry holds the model."""
        if not candidate_uri:
            return self._sources
        found = InferenceService(self._api, service, model, candidate_uri)
        return replace(self._sources, versions=StorageVersions(found, candidate_uri))

    def _handle_rollout(self, thing: Object) -> None:
        if remove_finalizer(self._api, thing) or not self._is_due(thing):
            return
        try:
            spec = spec_of(thing)
        except SpecError as error:
            if not _goes_back(thing):
                self._refuse(thing, error)
                return
            spec = Spec.salvage(thing["spec"])
        splitter = self._open_splitter(spec.inference_service, spec.model, spec.storage_uri)
        store = ClusterStore(self._api, thing["metadata"]["name"], splitter.conditions)
        self._reconcile(spec, splitter, store, thing)

    def _is_due(self, thing: Object) -> bool:
        """Whether a rollout needs a round now. One that has ended does seldom, and at once after a person's change.

        Raises StateError, and sends one event, for a state that this release cannot read.
        """
        name, now = thing["metadata"]["name"], self._clock()
        last, changes = self._last_rounds.get(name, (0.0, None))
        recent = 0 <= now - last < ENDED_SECONDS
        if self._read_state(thing).ended and recent and changes == user_changes(thing):
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
        sources = self._sources_of(spec.inference_service, spec.model, spec.storage_uri)
        state = Reconciler(spec, splitter, sources, store, self._clock, announce).reconcile()
        if state.ended:
            store.save(state)  # what people have changed meanwhile shows in its conditions
        name, service = (self._prefix + each for each in (thing["metadata"]["name"], spec.inference_service))
        self.metrics.observe(name, service, spec.model, state)
        self._events.send_changes(store.thing, before, state)
        self._events.send_misunderstood(thing, store.thing)
        for each in changed_conditions(thing, splitter.last_conditions):
            self._events.send(thing, each.reason, each.message, warning=each.status == "False")

    def _refuse(self, thing: Object, error: SpecError) -> None:
        """Refuse a specification that this release cannot carry out; an active rollout waits until it is mended."""
        store = ClusterStore(self._api, thing["metadata"]["name"])
        state = store.load()
        if state.active:
            store.save(state.model_copy(update={"problem": f"{error}; mend it, or abort"}))
        elif state.phase in (Phase.PROMOTED, Phase.ROLLED_BACK):
            store.save(state)
        elif state.reason != str(error):
            store.save(state.transition(self._clock(), Phase.REFUSED, str(error)))
            self._events.send(thing, str(Phase.REFUSED), str(error), warning=True)
        self._events.send_misunderstood(thing, store.thing)


def _goes_back(thing: Object) -> bool:
    """Whether a rollout is being taken back, which needs little of its specification."""
    state, commands = state_of(thing), commands_of(thing)
    undone = commands.undo == state.attempt
    if state.phase is Phase.PROMOTED:
        return undone
    back = state.phase is Phase.ROLLING_BACK or state.stage is PromotionStage.UNDO
    return state.active and (back or commands.aborted or (undone and state.phase is Phase.BAKING))


def _model_of(rollouts: Iterable[Object]) -> str:
    """The model of a service that only its ModelRollouts name."""
    named = ((thing.get("spec") or {}).get("model") for thing in rollouts)
    return str(next(filter(None, named), Spec.model_fields["model"].default))
