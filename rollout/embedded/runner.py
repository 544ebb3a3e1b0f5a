"""Runner of one rollout on this machine: rounds until it ends, or until it is told to stop."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from matchday.errors import MatchdayError
from matchday.patience import NotYet
from matchday.telemetry import logger
from rollout.embedded.envoy_statistics import EnvoyStatistics
from rollout.embedded.splitter import EnvoySplitter
from rollout.embedded.workspace import Workspace
from rollout.reconciler import Reconciler
from rollout.sources import Sources
from rollout.spec import Spec
from rollout.state import HistoryEntry, Phase, State


class Runner:
    """Reconciles one rollout. When it is killed, another one resumes from the saved state.

    announce: called with each decision. watch: called with the state after each round. stopped: set it to stop.
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        sources: Sources,
        interval: float = 1.0,
        announce: Callable[[HistoryEntry], None] = lambda entry: None,
        watch: Callable[[State], None] = lambda state: None,
        clock: Callable[[], float] = time.time,
        stopped: threading.Event | None = None,
    ) -> None:
        """interval: seconds between two rounds. clock: Unix seconds."""
        self.stopped = stopped or threading.Event()
        self._workspace = workspace
        self._name = name
        self._sources = sources
        self._interval = interval
        self._announce = announce
        self._watch = watch
        self._clock = clock
        self._log = logger("rollout")

    def run(self) -> State:
        """Run the rollout. Returns the last saved state: a final one, unless `stopped` was set. Raises Busy."""
        spec = self._workspace.rollouts.spec(self._name)
        service = spec.inference_service
        with self._workspace.lease(service, self._name):
            self._workspace.check_no_rival(service, but=self._name)
            splitter = self._workspace.splitter(service, spec.model)
            store = self._workspace.rollouts.store(self._name)
            sources = replace(self._sources, gateway=EnvoyStatistics(splitter.envoy))
            reconciler = Reconciler(spec, splitter, sources, store, self._clock, self._announce)
            while True:
                before = store.load()
                if before.phase is Phase.PENDING:
                    self._serve_champion(spec, splitter)
                elif before.phase is Phase.BAKING and not splitter.envoy.is_running:
                    self._serve_promoted(splitter, before.candidate_version)
                state = reconciler.reconcile()
                self._watch(state)
                if state.ended or self.stopped.wait(self._interval):
                    return state

    def _serve_champion(self, spec: Spec, splitter: EnvoySplitter) -> None:
        """Start the champion's server, so that there is traffic to split. Waits for a registry that is down."""
        try:
            splitter.open(self._sources.versions.champion(spec.model))
        except NotYet as error:
            self._log.warning("the champion is not known yet", model=spec.model, reason=str(error))

    def _serve_promoted(self, splitter: EnvoySplitter, version: str) -> None:
        """Serve a promoted version again: the machine was restarted in its bake, or Envoy has ended."""
        try:
            splitter.open(version)
        except MatchdayError as error:
            self._log.warning("the promoted version is not served", version=version, reason=str(error))
