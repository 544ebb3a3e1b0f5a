"""A rollout of this machine, carried out by this process until it ends or the process is told to stop."""

import threading
import time
from collections.abc import Callable

from rollout.embedded.workspace import Workspace
from rollout.reconciler import Reconciler
from rollout.sources import Sources
from rollout.state import HistoryEntry, Phase, State


class Runner:
    """Ticks one rollout. Whoever is killed while it runs is followed by another that goes on from the kept state.

    announce: told of each decision. watch: told of each state. stopped: set by who wants it to rest.
    """

    def __init__(
        self,
        place: Workspace,
        name: str,
        sources: Sources,
        interval: float = 1.0,
        announce: Callable[[HistoryEntry], None] = lambda entry: None,
        watch: Callable[[State], None] = lambda state: None,
    ) -> None:
        """interval: seconds between two rounds."""
        self.stopped = threading.Event()
        self._place = place
        self._name = name
        self._sources = sources
        self._interval = interval
        self._announce = announce
        self._watch = watch

    def run(self) -> State:
        """Carry it out. Returns the last state kept: an ended one, unless `stopped` was set. Raises Busy."""
        spec = self._place.rollouts.spec(self._name)
        service = spec.inference_service
        with self._place.lease(service, self._name):
            self._place.check_alone(service, but=self._name)
            splitter = self._place.splitter(service, spec.model)
            store = self._place.rollouts.store(self._name)
            rollout = Reconciler(spec, splitter, self._sources, store, time.time, self._announce)
            while True:
                if store.load().phase is Phase.PENDING:
                    splitter.open(self._sources.versions.champion(spec.model))
                state = rollout.tick()
                self._watch(state)
                if state.ended or self.stopped.wait(self._interval):
                    return state
