"""Updates of the served models to new versions, while requests go on.

A thread loads a new version beside the old one. It takes over, by one assignment, when it answers the rows that its
bundle brings and its features can be read. Requests in flight end on the version they began with. A version that fails
any of this leaves the old one serving and is reported.
"""

import asyncio
import math
import os
import socket
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from matchday import telemetry
from matchday.errors import MatchdayError
from serving.current_bundles import CurrentBundles
from serving.model import Model, ModelError
from serving.settings import ServingSettings
from serving.sources import BundleSource, CandidateBundle, FolderSource, TrackingServerSource, open_sources
from serving.storage import Unreachable
from serving.warm import warm

READY_SECONDS = 10.0
"""How long reading the features of a new version may take."""

RETRY_SECONDS = 300.0
"""How long a version that failed is not tried again."""

FOLLOW_SECONDS = 0.5
"""How soon a worker sees what another one has taken over."""


class VersionEndpoint(Protocol):
    """Answers for one version of a model, as `serving.endpoint.Endpoint` does."""

    model: Model

    @property
    def name(self) -> str:
        """Registered name."""

    def check_ready(self) -> Awaitable[None]:
        """Raises MatchdayError unless its features can be read."""


E = TypeVar("E", bound=VersionEndpoint)


@dataclass(slots=True)
class ServedModel:
    """One served model: its bundle at the start, and the source that it follows.

    name: None until a bundle was loaded. serving: the bundle that answers. seen, failed: states of the source, as
    loaded last and as failed last. not_followed: what another worker serves and this one cannot load. problem: why the
    newest version does not serve.
    """

    folder: Path
    version: str | None = None
    source: BundleSource | None = None
    name: str | None = None
    serving: CandidateBundle | None = None
    not_followed: CandidateBundle | None = None
    seen: object = None
    failed: object = None
    retry_at: float = 0.0
    problem: str = ""


def served_models(settings: ServingSettings) -> list[ServedModel]:
    """The models that the settings name."""
    versions: list[str | None] = [*settings.versions, *[None] * len(settings.bundles)]
    return [
        ServedModel(folder, version, source)
        for folder, version, source in zip(settings.bundles, versions, open_sources(settings), strict=False)
    ]


class FeaturesUnread(MatchdayError):
    """A good version that cannot take over now, because its features cannot be read; later it may."""


class VersionUpdater(Generic[E]):
    """Keeps each model at the newest version that can serve. One per worker."""

    def __init__(
        self,
        endpoints: MutableMapping[str, E],
        models: Sequence[ServedModel],
        make: Callable[[Path, str | None], E],
        current: CurrentBundles,
        refresh_seconds: float = 0.0,
    ) -> None:
        """endpoints: model -> endpoint, changed here only.

        make: the endpoint of a bundle folder and its registered version; raises MatchdayError for a bad bundle.
        current: shared by the workers of a server. refresh_seconds: how often sources are checked; 0 is never.
        """
        self._endpoints = endpoints
        self._models = models
        self._make = make
        self._current = current
        self._refresh_seconds = refresh_seconds
        self.log = telemetry.logger("serving.versions")
        self._stopped = threading.Event()

    @property
    def absent(self) -> list[str]:
        """Why models are not served at all; the server is not ready while there are any."""
        return [model.problem for model in self._models if model.name is None and model.problem]

    @property
    def held_back(self) -> dict[str, str]:
        """Models that may serve an older version than the newest, and why."""
        return {model.name: model.problem for model in self._models if model.name is not None and model.problem}

    def load(self) -> None:
        """Load what the server serves now: the bundles of the start, or those that have taken over since.

        A bad bundle of the start is left out and reported by `absent`. Raises MatchdayError when one that other
        workers serve cannot be loaded: a worker that is behind them must not answer.
        """
        for index, model in enumerate(self._models):
            if self._current.read(index) is None:
                self._load_first(index, model)
            while (current := self._current.read(index)) is not None and current != model.serving:
                self._take_over(model, current, self._open_endpoint(model, current))

    def _load_first(self, index: int, model: ServedModel) -> None:
        model.seen = model.source.state() if isinstance(model.source, FolderSource) else None
        first = CandidateBundle(model.folder.resolve(), model.version)
        try:
            self._take_over(model, first, self._open_endpoint(model, first))
        except MatchdayError as error:
            model.problem = str(error)
            self.log.error("model not loaded", reason=model.problem)
        else:
            self._current.write_first(index, first)

    def _take_over(self, model: ServedModel, bundle: CandidateBundle, endpoint: E) -> None:
        model.name, model.serving = endpoint.name, bundle
        self._endpoints[endpoint.name] = endpoint
        if isinstance(model.source, TrackingServerSource):
            model.seen = endpoint.model.version

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to check the sources, at once and every `refresh_seconds`. loop: the event loop of the endpoints."""
        if self._refresh_seconds > 0 and any(model.source for model in self._models):
            threading.Thread(target=self._watch, args=(loop,), name="versions", daemon=True).start()

    def stop(self) -> None:
        """Check no more; a version that is being loaded does not take over."""
        self._stopped.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopped.is_set():
            for index, model in enumerate(self._models):
                if model.source is not None:
                    self._refresh(index, model, model.source, loop)
            next_refresh = time.monotonic() + until_next(time.time(), self._refresh_seconds)
            while not self._stopped.wait(min(max(next_refresh - time.monotonic(), 0), FOLLOW_SECONDS)):
                if time.monotonic() >= next_refresh:
                    break
                for index, model in enumerate(self._models):
                    if model.source is not None:
                        self._follow(index, model, model.source)

    def _follow(self, index: int, model: ServedModel, source: BundleSource) -> None:
        """Take over what another worker has, without asking the source. Never raises."""
        current = self._current.read(index)
        if current is None or current in (model.serving, model.not_followed):
            return
        try:
            endpoint = self._open_endpoint(model, current)
        except MatchdayError as error:
            model.not_followed = current
            self._report(model, source, str(error))
            return
        if not self._stopped.is_set():
            self._switch(model, current, endpoint)
            model.problem = ""

    def _refresh(self, index: int, model: ServedModel, source: BundleSource, loop: asyncio.AbstractEventLoop) -> None:
        """Load the version that the source has now, or report why not. Never raises."""
        try:
            state = source.state()
            if state == model.seen or (state == model.failed and time.monotonic() < model.retry_at):
                return
            model.failed = None
            try:
                self._replace(index, model, source.get(), loop)
            except (FeaturesUnread, Unreachable):
                raise
            except MatchdayError:
                if isinstance(source, FolderSource) and source.state() != state:
                    return  # someone is still writing it
                model.failed, model.retry_at = state, time.monotonic() + RETRY_SECONDS
                raise
            model.seen, model.problem = state, ""
        except MatchdayError as error:
            self._report(model, source, str(error))
        except Exception as error:
            self.log.exception("the search for a new version failed", source=str(source))
            model.problem = f"{source}: {type(error).__name__}"

    def _replace(
        self, index: int, model: ServedModel, candidate: CandidateBundle, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Let the candidate take over, unless it serves already."""
        candidate = CandidateBundle(candidate.folder.resolve(), candidate.version)
        serving = self._endpoints.get(model.name or "")
        if serving is not None and candidate.version is not None and candidate.version == serving.model.version:
            return
        endpoint = self._open_endpoint(model, candidate)
        if serving is not None:
            _require_ready(endpoint, loop)
        if self._stopped.is_set():
            return
        self._switch(model, candidate, endpoint)
        self._current.write(index, candidate)

    def _switch(self, model: ServedModel, bundle: CandidateBundle, endpoint: E) -> None:
        before = self._endpoints.get(model.name or "")
        self._take_over(model, bundle, endpoint)
        self.log.info(
            "model version taken over",
            model=endpoint.name,
            version=endpoint.model.version,
            before=before.model.version if before is not None else None,
        )

    def _open_endpoint(self, model: ServedModel, candidate: CandidateBundle) -> E:
        """The endpoint of a candidate that answers the rows of its bundle. Raises MatchdayError."""
        try:
            endpoint = self._make(candidate.folder, candidate.version)
            warm(endpoint.model)
        except MatchdayError:
            raise
        except Exception as error:
            raise ModelError(f"{candidate.folder / 'model.onnx'} fails: {error}") from error
        taken = self._endpoints if model.name is None else set(self._endpoints) - {model.name}
        if model.name not in (None, endpoint.name) or endpoint.name in taken:
            what = f"in place of {model.name}" if model.name else "which another bundle serves already"
            raise ModelError(f"{candidate.folder} holds {endpoint.name}, {what}")
        return endpoint

    def _report(self, model: ServedModel, source: BundleSource, problem: str) -> None:
        """Log a problem once for as long as it stays the same."""
        if problem == model.problem:
            return
        model.problem = problem
        self.log.error("no new version", model=model.name, source=str(source), reason=problem)


def until_next(now: float, period: float) -> float:
    """Seconds until the sources are checked again.

    The workers of one server check at the same moments, so that they change versions together; servers at moments of
    their own, so that they do not all ask the registry at once.
    """
    server = zlib.crc32(f"{socket.gethostname()}:{os.getppid()}".encode()) / 2**32
    offset = server * period
    return (math.floor((now - offset) / period) + 1) * period + offset - now


def _require_ready(endpoint: VersionEndpoint, loop: asyncio.AbstractEventLoop) -> None:
    """Raises FeaturesUnread unless the features of the endpoint can be read now."""

    async def check() -> None:
        await endpoint.check_ready()

    asked = asyncio.run_coroutine_threadsafe(check(), loop)
    try:
        asked.result(READY_SECONDS)
    except TimeoutError:
        asked.cancel()
        raise FeaturesUnread(f"{endpoint.name} {endpoint.model.version}: its features were not read in time") from None
    except MatchdayError as error:
        raise FeaturesUnread(f"{endpoint.name} {endpoint.model.version} cannot take over: {error}") from None
