"""State of a worker process: its models, their versions, readiness, feature store, logs, metrics and limits.

Knows no protocol: the HTTP face and the gRPC server are both given a worker.
"""

import asyncio
import os
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

from matchday import telemetry
from matchday.settings import Settings
from serving.current_bundles import CurrentBundles, lasting_folder
from serving.endpoint import Endpoint
from serving.features import open_store
from serving.features.cache import CachedStore
from serving.features.store import OnlineStore
from serving.log import open_log
from serving.metrics import Metrics
from serving.model import Model, load
from serving.pipeline import SERVICE, Pipeline
from serving.protocol.errors import Refusal, Unavailable, join_names, quote
from serving.settings import ServingSettings
from serving.token_check import TokenCheck
from serving.versions import VersionUpdater, served_models

DRAINING = "draining"
"""File in the run folder that says that the server is about to stop."""

LISTENING = ".listening"
"""End of the name of a file in the run folder that says that a worker has started, behind its process id."""


class Worker:
    """One per process. endpoints: model -> what answers for it, kept up to date by `versions`."""

    def __init__(self, settings: ServingSettings, store: OnlineStore | None = None) -> None:
        """Raises MatchdayError or OSError for settings that cannot be carried out."""
        self.settings = settings
        self.store = store or CachedStore(
            open_store(settings.online_store, settings.project),
            settings.features_fresh_seconds,
            settings.features_stale_seconds,
        )
        self._own_folder = None if settings.run_folder else TemporaryDirectory(prefix="matchday-serving-")
        self.run_folder = settings.run_folder or Path(self._own_folder.name)  # type: ignore[union-attr]
        self.endpoints: dict[str, Endpoint] = {}
        self.versions = VersionUpdater(
            self.endpoints,
            served_models(settings),
            lambda folder, version: self._open_endpoint(load(folder, version)),
            CurrentBundles(self.run_folder, lasting_folder(settings, Settings().home)),
            settings.refresh_seconds,
        )
        self.pipeline = Pipeline(settings)
        self.token = TokenCheck(settings.read_token())
        self.metrics = Metrics(self.run_folder, settings.variant)
        self.draining = False
        self._all_listen = settings.workers == 1
        self._log = open_log(settings, self.metrics.log_dropped)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Load the models, before the first request. A bad bundle of the start leaves the worker alive and not ready.

        Raises MatchdayError when it cannot load what the server's other workers serve.
        """
        telemetry.start(SERVICE)
        self.versions.load()
        self.versions.start(loop)

    def note_listening(self) -> None:
        """Tell the server's other workers that this one is about to take requests, of every protocol."""
        (self.run_folder / f"{os.getpid()}{LISTENING}").touch()

    def stop(self) -> None:
        """Write what is left of logs and spans, and close everything, once the last request is answered."""
        self.versions.stop()
        self._log.close()
        self.pipeline.close()
        self.store.close()
        telemetry.shutdown()
        self.metrics.close()

    def endpoint(self, name: str, version: str | None = None) -> Endpoint:
        """The endpoint of a model. Raises Refusal (404), Unavailable when some model could not be loaded."""
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            if absent := self.versions.absent:
                raise Unavailable(absent[0])
            there = join_names(self.endpoints)
            raise Refusal(f"no model {quote(name)} here: there is {there}", HTTPStatus.NOT_FOUND)
        if version is not None and version != endpoint.model.version:
            raise Refusal(
                f"{name} is served in version {endpoint.model.version}, not {quote(version)}", HTTPStatus.NOT_FOUND
            )
        return endpoint

    async def check_ready(self) -> None:
        """Raises Unavailable or StoreError, saying why, unless every model can answer."""
        self._require_listening()
        if (absent := self.versions.absent) or not self.endpoints:
            raise Unavailable(absent[0] if absent else "no model is loaded")
        for endpoint in self.endpoints.values():
            await endpoint.check_ready()

    async def check_model_ready(self, endpoint: Endpoint) -> None:
        """Raises Unavailable or StoreError, saying why, unless the model can answer."""
        self._require_listening()
        await endpoint.check_ready()

    def look_for_drain(self) -> bool:
        """Whether the server is about to stop; kept in `draining`."""
        self.draining = self.draining or (self.run_folder / DRAINING).exists()
        return self.draining

    def _require_listening(self) -> None:
        """Raises Unavailable before every worker of the server listens for the first time, and while it drains."""
        if self.look_for_drain():
            raise Unavailable("the server is about to stop")
        if not self._all_listen:
            started = len(list(self.run_folder.glob(f"*{LISTENING}")))
            if started < self.settings.workers:
                raise Unavailable(f"{started} of {self.settings.workers} workers have started")
            self._all_listen = True

    def _open_endpoint(self, model: Model) -> Endpoint:
        """A model with this worker's store, metrics and prediction log."""
        series = self.metrics.series(model.signature.model, model.version)
        apart = partial(self.metrics.series, model.signature.model, model.version)
        return Endpoint(
            model, self.store, series, self._log, self.settings.variant, self.settings.features_ttl_seconds, apart
        )
