"""Failed requests of each version as the gateway of a cluster counted them, from a Prometheus that scrapes it.

Envoy Gateway has one cluster of Envoy's for all backends of a rule, so its counters by cluster do not tell versions
apart. Those by endpoint do, where the EnvoyProxy says `telemetry.metrics.enablePerEndpointStats: true`: an endpoint is
a pod, by its address.
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rollout.sources import SourceError

ERRORS = "envoy_cluster_endpoint_rq_error"
"""Attempts that ended with 5xx, a reset, a timeout or no connection, by the address that they went to."""
ADDRESS = "envoy_endpoint_address"
MOST_ADDRESSES = 5000
"""Pods that are remembered, the last that came."""
HINT = "does it scrape the gateway, and has its EnvoyProxy telemetry.metrics.enablePerEndpointStats?"

Labels = Mapping[str, str]
Ask = Callable[[str], Sequence[tuple[Labels, float]]]
"""Series of an instant query and their values. Raises SourceError."""
Version = tuple[str, str]
"""A service and a version of it."""
Series = tuple[str, str]
"""An Envoy, by the instance that Prometheus scrapes, and a cluster of its with the address and port."""


@dataclass
class Address:
    """Address of a pod. owner: the version that it was last ready for. seen: value of each series at its last read."""

    owner: Version
    seen: dict[Series, float] = field(default_factory=dict)
    read: bool = False


class GatewayMeter:
    """Sums of increases since this process first read; a process that takes over begins at zero again.

    A pod is counted from the first read after it was ready, also while it is not. What its address counted before is
    not: another pod may have had it.
    """

    def __init__(self, ask: Ask) -> None:
        """ask: the Prometheus."""
        self._ask = ask
        self._lock = threading.Lock()
        self._addresses: dict[str, Address] = {}
        self._totals: dict[Version, int] = {}

    def failures(self, service: str, version: str, endpoints: Sequence[str]) -> int:
        """Requests to a version that ended with 5xx, a reset or a timeout. endpoints: URLs of its ready servers.

        An attempt that the gateway made again counts as well. Raises SourceError, also where no pod of the service is
        counted at all.
        """
        own = (service, version)
        pods = self._pods(own, [address for url in endpoints if (address := urlsplit(url).hostname)])
        found = self._read(list(pods)) if pods else {}
        if pods and not found:
            raise SourceError(f"Prometheus has no {ERRORS} of the pods of {service}: {HINT}")
        increase = sum(_count(pod, found.get(address, {})) for address, pod in pods.items() if pod.owner == own)
        self._totals[own] = self._totals.get(own, 0) + increase
        return self._totals[own]

    def _pods(self, own: Version, ready: Sequence[str]) -> dict[str, Address]:
        """Known pods of the service, by address. ready: addresses of a version's pods that are ready now."""
        with self._lock:
            for address in ready:
                if address not in self._addresses or self._addresses[address].owner != own:
                    self._addresses.pop(address, None)
                    self._addresses[address] = Address(own)
            for oldest in list(self._addresses)[:-MOST_ADDRESSES]:
                del self._addresses[oldest]
            return {address: pod for address, pod in self._addresses.items() if pod.owner[0] == own[0]}

    def _read(self, addresses: Sequence[str]) -> dict[str, dict[Series, float]]:
        """Values of the series of each address. An Envoy that two jobs scrape is one Envoy."""
        found: dict[str, dict[Series, float]] = {}
        for labels, value in sorted(self._ask(selector(addresses)), key=lambda each: sorted(each[0].items())):
            series = (labels.get("instance", ""), f"{labels.get('envoy_cluster_name', '')} {labels.get(ADDRESS, '')}")
            address = labels.get(ADDRESS, "").rpartition(":")[0].strip("[]")
            found.setdefault(address, {}).setdefault(series, value)
        return found


def selector(addresses: Sequence[str]) -> str:
    """Selector of the counters of these addresses, whatever their ports."""
    pattern = "|".join(map(re.escape, sorted(addresses))).replace("\\", "\\\\")
    return f'{ERRORS}{{{ADDRESS}=~"\\\\[?({pattern})\\\\]?:[0-9]+"}}'


def _count(pod: Address, now: Mapping[Series, float]) -> int:
    """Increase of all series since the last read. One that fell, or came since, began at zero."""
    increase = 0.0
    if pod.read:
        for series, value in now.items():
            before = pod.seen.get(series, 0.0)
            increase += value - before if value >= before else value
    pod.seen.update(now)
    pod.read = True
    return round(increase)
