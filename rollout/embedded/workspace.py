"""This machine as a place of rollouts: their states, the services they split, and who carries them out."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from matchday.errors import MatchdayError
from matchday.files import LockTimeout, lock_file
from matchday.registry import Registry
from matchday.settings import Settings
from rollout.embedded import files
from rollout.embedded.repository import NAME, FolderRepository
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.splitter import EnvoySplitter
from rollout.sources import VersionRegistry
from rollout.spec import Spec, SpecError
from rollout.state import Phase
from serving.storage import SCHEME, StoredBundle, fetch

LEASE_SECONDS = 0.5
"""How long to try for a lease: who only asks for its holder has it for a moment."""


class Busy(MatchdayError):
    """A service whose rollout another process carries out, or that another rollout has in hand."""


class Workspace:
    """What lies in the home of this machine: `rollouts/NAME` and `services/NAME`."""

    def __init__(self, settings: Settings, rollout: RolloutSettings) -> None:
        """settings: whose home and registry. rollout: where Envoy is to listen."""
        self._settings = settings
        self._rollout = rollout
        self._services = settings.home.resolve() / "services"
        self.rollouts = FolderRepository(settings.home.resolve() / "rollouts")

    def services(self) -> list[str]:
        """Services that have servers here, sorted."""
        return sorted(file.parent.name for file in self._services.glob("*/address.json"))

    def address(self, service: str) -> tuple[str, int] | None:
        """Host and port where a service takes requests; None while it has no Envoy."""
        said = files.read(self._folder(service) / "address.json")
        return (str(said["host"]), int(said["port"])) if said else None

    def splitter(self, service: str, model: str) -> EnvoySplitter:
        """The splitter of a service: where it is already, or else where the settings say."""
        host, port = self.address(service) or (self._rollout.host, self._rollout.port)
        files.write(self._folder(service) / "address.json", {"host": host, "port": port})
        return EnvoySplitter(self._folder(service), lambda version: self._bundle(model, version), host, port)

    def stop(self, service: str) -> None:
        """End Envoy and the servers of a service. Raises Busy while a rollout is carried out there."""
        with self.lease(service, "stop"):
            self.splitter(service, "").close()
            (self._folder(service) / "address.json").unlink()

    def carrier(self, service: str) -> str:
        """Who carries out a rollout of this service now, for people; empty when nobody does."""
        file = self._folder(service) / "lease"
        if not file.exists():
            return ""
        try:
            with lock_file(file, seconds=0):
                return ""
        except LockTimeout:
            return file.read_text(encoding="utf-8").strip()

    @contextmanager
    def lease(self, service: str, name: str) -> Iterator[None]:
        """Be the only process that acts on a service; a process that ends, however it does, lets go of it.

        Raises Busy when another has it.
        """
        with ExitStack() as held:
            lease = self._taken(held, service)
            lease.truncate(0)
            lease.write(f"rollout {name}, process {os.getpid()}\n")
            lease.flush()
            yield

    def _taken(self, held: ExitStack, service: str) -> IO[str]:
        """The lease of a service, open to write to. Raises Busy."""
        try:
            return held.enter_context(lock_file(self._folder(service) / "lease", LEASE_SECONDS))
        except LockTimeout:
            raise Busy(f"service {service} is in the hands of another process: {self.carrier(service)}") from None

    def admit(self, spec: Spec, versions: VersionRegistry) -> None:
        """Raises MatchdayError for a rollout that could not begin now: a wrong version, or another under way."""
        champion = versions.champion(spec.model)
        candidate = versions.resolve(spec.model, spec.candidate)
        if candidate == champion:
            raise SpecError(f"version {candidate} of {spec.model} is the champion already")
        self.check_alone(spec.inference_service)

    def check_alone(self, service: str, but: str = "") -> None:
        """Raises Busy when another rollout of a service has begun and not ended."""
        for other in self.rollouts.begun(service):
            if other != but:
                state = self.rollouts.state(other)
                where = f"at {state.weight} %" if state.phase is Phase.PROGRESSING else f"{state.phase.lower()}"
                raise Busy(f"rollout {other} of service {service} is {where}: let it end, or abort it, before another")

    def _folder(self, service: str) -> Path:
        if not NAME.fullmatch(service):
            raise SpecError(f"{service!r} is no name for a service: use small letters, digits and -")
        return self._services / service

    def _bundle(self, model: str, version: str) -> StoredBundle:
        return fetch(f"{SCHEME}{model}/{version}", self._settings.home, Registry(self._settings.tracking_uri))
