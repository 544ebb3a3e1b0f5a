"""What rollouts on Kubernetes see: what rollouts of one machine see, with Prometheus where it is configured."""

from dataclasses import replace

from matchday.settings import Settings
from rollout.kubernetes.lease import Lease
from rollout.kubernetes.settings import OperatorSettings
from rollout.observations.factory import sources as found
from rollout.observations.prometheus_meter import PrometheusMeter
from rollout.sources import Sources


def sources(settings: OperatorSettings, lease: Lease) -> Sources:
    """All sources of a release; the registry is written by the holder of the lease alone."""
    given = found(Settings(), may_write=lease.check)
    if not settings.prometheus_url:
        return given
    return replace(given, meter=PrometheusMeter(settings.prometheus_url, {"namespace": settings.namespace}))
