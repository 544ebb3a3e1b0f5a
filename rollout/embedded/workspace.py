"""Workspace of rollouts on this machine: saved rollouts, services with their addresses, and the lease of each service.

Below the home: `rollouts/NAME` and `services/NAME`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from matchday.errors import MatchdayError
from matchday.files import LockTimeout, lock_file
from matchday.registry import Registry
from matchday.settings import Settings
from rollout.embedded.json_file import JsonFileError, read_json, write_json
from rollout.embedded.repository import NAME, FolderRepository
from rollout.embedded.settings import RolloutSettings
from rollout.embedded.splitter import EnvoySplitter
from rollout.feasibility import find_impossible
from rollout.sources import VersionRegistry
from rollout.spec import Spec, SpecError
from rollout.state import Phase
from serving.storage import SCHEME, StoredBundle, fetch

LEASE_SECONDS = 0.5
"""How long to try for a lease: asking who holds it takes it for a moment."""

FetchBundle = Callable[[str, str], StoredBundle]
"""From model and version to the version's bundle."""


class Busy(MatchdayError):
    """Another process, or another rollout, has the service."""


class Workspace:
    """Rollouts and services below the home of this machine."""

    def __init__(self, settings: Settings, rollout: RolloutSettings, fetch_bundle: FetchBundle | None = None) -> None:
        """settings: name home and registry. rollout: where Envoy listens. fetch_bundle: in place of the registry."""
        self._settings = settings
        self._rollout = rollout
        self._fetch_bundle = fetch_bundle or self._fetch_from_registry
        self._services = settings.home.resolve() / "services"
        self.rollouts = FolderRepository(settings.home.resolve() / "rollouts")

    def services(self) -> list[str]:
        """Services that have servers here, sorted."""
        return sorted(file.parent.name for file in self._services.glob("*/address.json"))

    def address(self, service: str) -> tuple[str, int] | None:
        """Host and port at which a service takes requests; None while it has no Envoy. Raises JsonFileError."""
        file = self._folder(service) / "address.json"
        saved = read_json(file)
        try:
            return (str(saved["host"]), int(saved["port"])) if saved else None
        except (KeyError, TypeError, ValueError):
            raise JsonFileError(f"{file} names no host and port: end the service's Envoy, then delete it") from None

    def splitter(self, service: str, model: str) -> EnvoySplitter:
        """The splitter of a service: at its present address, or a new one where the settings say."""
        host, port = self.address(service) or (self._rollout.host, self._rollout.port)
        write_json(self._folder(service) / "address.json", {"host": host, "port": port})
        return EnvoySplitter(self._folder(service), lambda version: self._fetch_bundle(model, version), host, port)

    def stop(self, service: str) -> None:
        """End Envoy and the servers of a service. Raises Busy while a rollout of it is running."""
        with self.lease(service, "stop"):
            self.splitter(service, "").close()
            (self._folder(service) / "address.json").unlink()

    def lease_holder(self, service: str) -> str:
        """The rollout and process that hold the lease of a service, for people; empty when none does."""
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
        """Hold the lease of a service; the kernel releases it when this process ends. name: of the rollout.

        Raises Busy when another process holds it.
        """
        with ExitStack() as held:
            lease = self._acquire(held, service)
            lease.truncate(0)
            lease.write(f"rollout {name}, process {os.getpid()}\n")
            lease.flush()
            yield

    def check_can_start(self, spec: Spec, versions: VersionRegistry) -> None:
        """Raises MatchdayError for a rollout that could not begin now: unknown version, champion, active rival.

        Also for a specification that no candidate can pass.
        """
        if spec.storage_uri:
            raise SpecError("this rollout cannot be carried out: storageUri is for InferenceServices on a cluster")
        if reason := find_impossible(spec):
            raise SpecError(f"this rollout cannot be carried out: {reason}")
        champion = versions.champion(spec.model)
        candidate = versions.resolve(spec.model, spec.candidate)
        if candidate == champion:
            raise SpecError(f"version {candidate} of {spec.model} is the champion already")
        self.check_no_rival(spec.inference_service)

    def check_no_rival(self, service: str, but: str = "") -> None:
        """Raises Busy when a rollout of a service other than `but` has begun and not ended."""
        for other in self.rollouts.active(service):
            if other != but:
                state = self.rollouts.state(other)
                where = f"at {state.weight} %" if state.phase is Phase.PROGRESSING else f"{state.phase.lower()}"
                baking = f" ('matchday rollout approve {other}' ends its bake)" if state.phase is Phase.BAKING else ""
                raise Busy(
                    f"rollout {other} of service {service} is {where}: let it end, or abort it, before another{baking}"
                )

    def _acquire(self, held: ExitStack, service: str) -> IO[str]:
        """The locked lease file of a service, open to write to. Raises Busy."""
        try:
            return held.enter_context(lock_file(self._folder(service) / "lease", LEASE_SECONDS))
        except LockTimeout:
            holder = self.lease_holder(service)
            raise Busy(f"service {service} is in the hands of another process: {holder}") from None

    def _folder(self, service: str) -> Path:
        if not NAME.fullmatch(service):
            raise SpecError(f"{service!r} is no name for a service: use small letters, digits and -")
        return self._services / service

    def _fetch_from_registry(self, model: str, version: str) -> StoredBundle:
        return fetch(f"{SCHEME}{model}/{version}", self._settings.home, Registry(self._settings.tracking_uri))
