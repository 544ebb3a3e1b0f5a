"""Failed requests of each version as Envoy saw them: crashes, resets and timeouts too, which no server counts."""

from collections.abc import Sequence

from rollout.embedded.envoy import Envoy
from rollout.embedded.envoy_config import cluster
from rollout.sources import SourceError
from rollout.splitter import SplitError

STATISTIC = "upstream_rq_5xx"
"""Envoy counts its own answers for a server that resets or does not answer in time as 5xx of the cluster's; an attempt
that was followed by another one is not among them."""


class EnvoyStatistics:
    """Counters of one Envoy since it started."""

    def __init__(self, envoy: Envoy) -> None:
        self._envoy = envoy

    def failures(self, service: str, version: str, endpoints: Sequence[str]) -> int:
        """Requests to this version that were answered with 5xx, of the one service that it has. Raises SourceError."""
        try:
            found = self._envoy.counters(STATISTIC)
        except SplitError as error:
            raise SourceError(f"failed requests cannot be counted: {error}") from None
        return found.get(f"cluster.{cluster(version)}.{STATISTIC}", 0)
