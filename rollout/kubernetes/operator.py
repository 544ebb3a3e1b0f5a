"""The operator: kopf watches, a round is carried out every few seconds and at once when a person asks for something.

Nothing is kept in memory that matters: rounds read what is, and write what they decide. So kopf is given event handlers
alone, for which it writes neither annotations nor finalizers of its own.
"""

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

import kopf

from matchday.settings import Settings
from matchday.telemetry import logger
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import KubernetesClient
from rollout.kubernetes.events import Events
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.lease import EVERY, Lease
from rollout.kubernetes.model_rollout import asked
from rollout.kubernetes.rounds import Rounds
from rollout.kubernetes.settings import OperatorSettings
from rollout.observations.factory import open_sources
from rollout.observations.prometheus_meter import PrometheusMeter
from rollout.sources import Sources

ALIVE_SECONDS = 120.0
"""The longest that a round may take before Kubernetes should start the operator anew."""


def open_cluster_sources(settings: OperatorSettings, lease: Lease) -> Sources:
    """Sources of a release, with counters from Prometheus where it is configured; only the lease's holder may write."""
    sources = open_sources(Settings(), may_write=lease.check)
    if not settings.prometheus_url:
        return sources
    meter = PrometheusMeter(settings.prometheus_url, {"namespace": settings.namespace})
    return replace(sources, meter=meter)


class Operator:
    """One process. Several may run: the one that holds the lease acts."""

    def __init__(self, settings: OperatorSettings) -> None:
        holder = settings.holder()
        api = Api(settings.namespace, KubernetesClient())
        self._settings = settings
        self._lease = Lease(api, settings.lease, holder)
        fenced = api.fenced(self._lease.check)
        services = [(name, settings.model) for name in settings.services]
        self._rounds = Rounds(fenced, open_cluster_sources(settings, self._lease), Events(fenced, holder), services)
        self._seen: dict[str, Any] = {}
        self._beat = time.monotonic()
        self._log = logger("rollout")

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        port = self._settings.health_port
        kopf.run(
            registry=self._registry(),
            namespaces=[self._settings.namespace],
            standalone=True,
            liveness_endpoint=f"http://0.0.0.0:{port}/healthz" if port else None,
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        group, _, version = MODEL_ROLLOUT.version.partition("/")
        kopf.on.login(registry=registry)(kopf.login_via_client)
        kopf.on.startup(registry=registry)(self._start)
        kopf.on.cleanup(registry=registry)(self._stop)
        kopf.on.probe(registry=registry)(self._alive)
        kopf.on.event(group, version, MODEL_ROLLOUT.plural, registry=registry)(self._see)
        return registry

    async def _start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        logging.getLogger("kopf").setLevel(logging.WARNING)
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.peering.standalone = True
        self._woken = asyncio.Event()
        self._over = asyncio.Event()
        self._tasks = [asyncio.create_task(self._carry_on()), asyncio.create_task(self._hold())]

    async def _stop(self, **_: Any) -> None:
        """The round that runs ends first; then another operator may act at once."""
        self._over.set()
        self._woken.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._lease.release)

    async def _alive(self, **_: Any) -> float:
        """Seconds since the last round. Raises when that is too long."""
        passed = time.monotonic() - self._beat
        if passed > ALIVE_SECONDS:
            raise kopf.PermanentError(f"no round for {passed:.0f} s")
        return round(passed, 1)

    async def _see(self, body: kopf.Body, **_: Any) -> None:
        """Wake up for what people change; the status is our own."""
        thing = dict(body)
        name, now = thing["metadata"]["name"], asked(thing)
        if self._seen.get(name) != now:
            self._seen[name] = now
            self._woken.set()

    async def _carry_on(self) -> None:
        while not self._over.is_set():
            if self._lease.held:
                await asyncio.to_thread(self._rounds.once)
            self._beat = time.monotonic()
            await _waited(self._woken, self._settings.interval_seconds)
            self._woken.clear()

    async def _hold(self) -> None:
        """Renew the lease while the operator runs, whatever a round is waiting for."""
        was = False
        while not self._over.is_set():
            now = await asyncio.to_thread(self._lease.hold)
            if now != was:
                self._log.info("acts" if now else "stands by", lease=self._settings.lease)
                was = now
                self._woken.set()
            await _waited(self._over, EVERY)


async def _waited(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
