"""Operator: kopf watches ModelRollouts; rounds run every few seconds, and at once after a change by a person.

All state is in the cluster, none in memory. kopf gets event handlers only, since for those it writes neither
annotations nor finalizers of its own.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import kopf

from matchday.settings import Settings
from matchday.telemetry import logger
from rollout.kubernetes.api import Api
from rollout.kubernetes.client import KubernetesClient
from rollout.kubernetes.events import Events
from rollout.kubernetes.health import HealthServer, Unhealthy
from rollout.kubernetes.kinds import MODEL_ROLLOUT
from rollout.kubernetes.lease import RENEWAL_SECONDS, Lease
from rollout.kubernetes.metrics import OperatorMetrics
from rollout.kubernetes.model_rollout import user_changes
from rollout.kubernetes.rounds import Rounds
from rollout.kubernetes.settings import OperatorSettings
from rollout.observations.gateway_meter import GatewayMeter
from rollout.observations.prometheus import PrometheusClient
from rollout.observations.prometheus_meter import PrometheusMeter
from rollout.observations.without_registry import open_counted_sources
from rollout.sources import Sources

ALIVE_SECONDS = 120.0
"""Longest time without a pass over the rollouts before Kubernetes should restart the operator."""
STUCK_SECONDS = 600.0
"""Longest time that the round of one service may take before Kubernetes should restart the operator."""
PATIENCE_SECONDS = 1.0
"""How long a pass waits for its slowest service before the next pass is due."""
END_SECONDS = 50.0
"""Longest wait for rounds under way when the operator ends; the chart gives a pod 60."""


def open_cluster_sources(settings: OperatorSettings, lease: Lease, namespace: str) -> Sources:
    """Sources of a namespace, with counters from Prometheus where it is named; only the lease's holder may write.

    gateway_metrics without a Prometheus does nothing.
    """
    if settings.registry:
        # Here, because registry and lake need packages that the operator's own image does not have.
        from rollout.observations.factory import open_sources

        sources = open_sources(Settings(), may_write=lease.check)
    else:
        sources = open_counted_sources()
    if not settings.prometheus_url:
        return sources
    client = PrometheusClient(settings.prometheus_url)
    gateway = GatewayMeter(client.query) if settings.gateway_metrics else None
    return replace(sources, meter=PrometheusMeter(client, {"namespace": namespace}), queries=client, gateway=gateway)


class Operator:
    """One operator process. Several may run; the holder of the lease acts."""

    def __init__(self, settings: OperatorSettings) -> None:
        holder = settings.holder()
        self._settings = settings
        self._holder, self._client = holder, KubernetesClient()
        self._lease = Lease(Api(settings.namespace, self._client), settings.lease, holder)
        self._rounds = self._rounds_of(settings.namespace, settings.models(), None)
        others = dict.fromkeys(each for each in settings.namespaces if each != settings.namespace)
        self._others = [self._rounds_of(each, {}, self._rounds.metrics) for each in others]
        self._seen: dict[str, Any] = {}
        self._last_round = time.monotonic()
        self._log = logger("rollout")

    def _rounds_of(self, namespace: str, models: Mapping[str, str], metrics: OperatorMetrics | None) -> Rounds:
        """Rounds of one namespace. models: of the services to prepare. metrics: shared ones, where it is another's."""
        fenced = Api(namespace, self._client).fenced(self._lease.check)
        sources = open_cluster_sources(self._settings, self._lease, namespace)
        return Rounds(
            *(fenced, sources, Events(fenced, self._holder), models),
            patience=PATIENCE_SECONDS,
            held=lambda: self._lease.held,
            metrics=metrics,
            others=self._settings.other_services.get(namespace, ()),
        )

    @property
    def _all_rounds(self) -> list[Rounds]:
        return [self._rounds, *self._others]

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        namespaces = [self._settings.namespace, *self._settings.namespaces]
        kopf.run(registry=self._registry(), namespaces=namespaces, standalone=True)

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        group, _, version = MODEL_ROLLOUT.version.partition("/")
        kopf.on.login(registry=registry)(kopf.login_via_client)
        kopf.on.startup(registry=registry)(self._start)
        kopf.on.cleanup(registry=registry)(self._stop)
        kopf.on.event(group, version, MODEL_ROLLOUT.plural, registry=registry)(self._notice_change)
        return registry

    async def _start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        logging.getLogger("kopf").setLevel(logging.WARNING)
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.peering.standalone = True
        self._health = None
        if port := self._settings.health_port:
            self._health = HealthServer(port, self.check_health, self._rounds.metrics.text)
            self._health.start()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks = [asyncio.create_task(self._run_rounds()), asyncio.create_task(self._hold_lease())]

    async def _stop(self, **_: Any) -> None:
        """End the rounds under way first; then another operator may act at once, else when the lease expires."""
        self._stopping.set()
        self._wake.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        waits = [asyncio.to_thread(each.threads.wait, END_SECONDS) for each in self._all_rounds]
        if all(await asyncio.gather(*waits)):
            await asyncio.to_thread(self._lease.release)
        if self._health:
            await asyncio.to_thread(self._health.stop)

    def check_health(self) -> dict[str, Any]:
        """Seconds since the last pass, and services whose round is slow. Raises Unhealthy when either is too long."""
        passed = time.monotonic() - self._last_round
        slow = {name: seconds for each in self._all_rounds for name, seconds in each.slow().items()}
        if passed > ALIVE_SECONDS:
            raise Unhealthy(f"no round for {passed:.0f} s")
        if stuck := [f"{name} for {seconds:.0f} s" for name, seconds in slow.items() if seconds > STUCK_SECONDS]:
            raise Unhealthy(f"a round is under way of {', '.join(stuck)}")
        return {"secondsSinceLastPass": round(passed, 1), "slowServices": slow}

    async def _notice_change(self, body: kopf.Body, **_: Any) -> None:
        """Start a round for a change by a person; the operator's own changes of the status do not count."""
        thing = dict(body)
        meta, changes = thing["metadata"], user_changes(thing)
        name = f"{meta.get('namespace', '')}/{meta['name']}"
        if self._seen.get(name) != changes:
            self._seen[name] = changes
            self._wake.set()

    async def _run_rounds(self) -> None:
        while not self._stopping.is_set():
            if self._lease.held:
                await asyncio.gather(*(asyncio.to_thread(each.run_once) for each in self._all_rounds))
            self._last_round = time.monotonic()
            await _wait(self._wake, self._settings.interval_seconds)
            self._wake.clear()

    async def _hold_lease(self) -> None:
        """Renew the lease while the operator runs, also during a long round."""
        was_held = False
        while not self._stopping.is_set():
            held = await asyncio.to_thread(self._lease.hold)
            if held != was_held:
                self._log.info("acts" if held else "stands by", lease=self._settings.lease)
                was_held = held
                self._wake.set()
            await _wait(self._stopping, RENEWAL_SECONDS)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
