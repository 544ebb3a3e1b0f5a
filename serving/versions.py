"""Versions of the served models: loaded, proved on real rows, and exchanged while requests go on.

A new version is loaded beside the old one, in a thread; only one that answers real rows and whose features
can be read takes over, by one assignment. Requests in flight end on the version they began with. A version
that fails any of it leaves the old one serving and is reported.
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
from serving.model import Model, ModelError
from serving.settings import ServingSettings
from serving.source import Candidate, Folder, Served, Source, sources
from serving.storage import Unreachable
from serving.warm import warm

READY_SECONDS = 10.0
"""How long the store has to show the features of a new version."""

RETRY_SECONDS = 300.0
"""How long a version that was refused is left alone."""


class Answering(Protocol):
    """What takes requests for one version of a model, as `serving.endpoint.Endpoint` does."""

    model: Model

    @property
    def name(self) -> str:
        """Registered name."""

    def check_ready(self) -> Awaitable[None]:
        """Raises MatchdayError unless its features can be read."""


E = TypeVar("E", bound=Answering)


@dataclass(slots=True)
class Place:
    """One served model: its bundle at the start, and what it follows. name: None until one was loaded."""

    folder: Path
    version: str | None = None
    source: Source | None = None
    name: str | None = None
    seen: object = None
    refused: object = None
    retry_at: float = 0.0
    problem: str = ""


def places(settings: ServingSettings) -> list[Place]:
    """The models that the settings name."""
    versions: list[str | None] = [*settings.versions, *[None] * len(settings.bundles)]
    return [
        Place(folder, version, source)
        for folder, version, source in zip(settings.bundles, versions, sources(settings), strict=False)
    ]


class NotYet(MatchdayError):
    """A good version that cannot take over now; later it may."""


class Versions(Generic[E]):
    """Keeps each model at the newest version that can serve. One per worker."""

    def __init__(
        self,
        endpoints: MutableMapping[str, E],
        places: Sequence[Place],
        make: Callable[[Path, str | None], E],
        refresh_seconds: float = 0.0,
    ) -> None:
        """endpoints: model -> what answers, changed here only.

        make: an endpoint of a bundle folder and its registered version; raises MatchdayError for a bad one.
        refresh_seconds: how often sources are asked; 0 is never.
        """
        self._endpoints = endpoints
        self._places = places
        self._make = make
        self._refresh_seconds = refresh_seconds
        self.log = telemetry.logger("serving.versions")
        self._stopped = threading.Event()

    @property
    def absent(self) -> list[str]:
        """Why models that should be served are not; the server is not ready while there are any."""
        return [place.problem for place in self._places if place.name is None and place.problem]

    @property
    def held_back(self) -> dict[str, str]:
        """Models that may serve an older version than they should, and why."""
        return {place.name: place.problem for place in self._places if place.name is not None and place.problem}

    def load(self) -> None:
        """Load what is there at the start. A bad bundle is left out, and said in `absent`."""
        for place in self._places:
            place.seen = place.source.state() if isinstance(place.source, Folder) else None
            try:
                endpoint = self._proved(place, Candidate(place.folder, place.version))
            except MatchdayError as error:
                place.problem = str(error)
                self.log.error("model not loaded", reason=place.problem)
            else:
                place.name = endpoint.name
                self._endpoints[endpoint.name] = endpoint
                if isinstance(place.source, Served):
                    place.seen = endpoint.model.version

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to ask the sources, at once and every `refresh_seconds`. loop: the endpoints' own."""
        if self._refresh_seconds > 0 and any(place.source for place in self._places):
            threading.Thread(target=self._watch, args=(loop,), name="versions", daemon=True).start()

    def stop(self) -> None:
        """Ask no more; a version that is on its way does not take over."""
        self._stopped.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopped.is_set():
            for place in self._places:
                if place.source is not None:
                    self._refresh(place, place.source, loop)
            self._stopped.wait(until_next(time.time(), self._refresh_seconds))

    def _refresh(self, place: Place, source: Source, loop: asyncio.AbstractEventLoop) -> None:
        """Take over what is new at the source, or say why not. Never raises."""
        try:
            state = source.state()
            if state == place.seen or (state == place.refused and time.monotonic() < place.retry_at):
                return
            place.refused = None
            try:
                self._renew(place, source.get(), loop)
            except (NotYet, Unreachable):
                raise
            except MatchdayError:
                if isinstance(source, Folder) and source.state() != state:
                    return  # someone is still writing it
                place.refused, place.retry_at = state, time.monotonic() + RETRY_SECONDS
                raise
            place.seen, place.problem = state, ""
        except MatchdayError as error:
            self._report(place, source, str(error))
        except Exception as error:
            self.log.exception("the search for a new version failed", source=str(source))
            place.problem = f"{source}: {type(error).__name__}"

    def _renew(self, place: Place, candidate: Candidate, loop: asyncio.AbstractEventLoop) -> None:
        """Put the candidate in the place of what serves, unless it is that."""
        serving = self._endpoints.get(place.name or "")
        if serving is not None and candidate.version is not None and candidate.version == serving.model.version:
            return
        endpoint = self._proved(place, candidate)
        if serving is not None:
            _require_ready(endpoint, loop)
        if self._stopped.is_set():
            return
        place.name = endpoint.name
        self._endpoints[endpoint.name] = endpoint
        self.log.info(
            "model version taken over",
            model=endpoint.name,
            version=endpoint.model.version,
            before=serving.model.version if serving is not None else None,
        )

    def _proved(self, place: Place, candidate: Candidate) -> E:
        """The endpoint of a candidate that answers real rows. Raises MatchdayError."""
        try:
            endpoint = self._make(candidate.folder, candidate.version)
            warm(endpoint.model)
        except MatchdayError:
            raise
        except Exception as error:
            raise ModelError(f"{candidate.folder / 'model.onnx'} fails: {error}") from error
        taken = self._endpoints if place.name is None else set(self._endpoints) - {place.name}
        if place.name not in (None, endpoint.name) or endpoint.name in taken:
            what = f"in place of {place.name}" if place.name else "which another bundle serves already"
            raise ModelError(f"{candidate.folder} holds {endpoint.name}, {what}")
        return endpoint

    def _report(self, place: Place, source: Source, problem: str) -> None:
        """Say a problem once for as long as it stays the same."""
        if problem == place.problem:
            return
        place.problem = problem
        self.log.error("no new version", model=place.name, source=str(source), reason=problem)


def until_next(now: float, period: float) -> float:
    """Seconds until the sources are asked again.

    The workers of one server ask at the same moments, so that they change together; servers do not, so that
    they do not all ask at once.
    """
    server = zlib.crc32(f"{socket.gethostname()}:{os.getppid()}".encode()) / 2**32
    offset = server * period
    return (math.floor((now - offset) / period) + 1) * period + offset - now


def _require_ready(endpoint: Answering, loop: asyncio.AbstractEventLoop) -> None:
    """Raises NotYet unless the features of the endpoint can be read."""

    async def check() -> None:
        await endpoint.check_ready()

    asked = asyncio.run_coroutine_threadsafe(check(), loop)
    try:
        asked.result(READY_SECONDS)
    except TimeoutError:
        asked.cancel()
        raise NotYet(f"{endpoint.name} {endpoint.model.version}: its features were not read in time") from None
    except MatchdayError as error:
        raise NotYet(f"{endpoint.name} {endpoint.model.version} cannot take over: {error}") from None
