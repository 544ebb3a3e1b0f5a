"""What rollouts on Kubernetes see: what rollouts of one machine see, with Prometheus where it is configured."""

from dataclasses import dataclass, replace

from matchday.settings import Settings
from serving.rollout.kubernetes.lease import Lease
from serving.rollout.kubernetes.settings import OperatorSettings
from serving.rollout.observations.prometheus import PrometheusMeter
from serving.rollout.observations.sources import sources as found
from serving.rollout.sources import Sources, Versions


def sources(settings: OperatorSettings, lease: Lease) -> Sources:
    """All sources of a release; the registry is written by the holder of the lease alone."""
    given = found(Settings())
    given = replace(given, versions=FencedVersions(given.versions, lease))
    if not settings.prometheus_url:
        return given
    return replace(given, meter=PrometheusMeter(settings.prometheus_url, {"namespace": settings.namespace}))


@dataclass(frozen=True)
class FencedVersions:
    """The registry, for whom the lease lets write."""

    versions: Versions
    lease: Lease

    def champion(self, model: str) -> str:
        """The version that the alias `champion` means."""
        return self.versions.champion(model)

    def resolve(self, model: str, candidate: str) -> str:
        """The version that a version or alias means."""
        return self.versions.resolve(model, candidate)

    def crown(self, model: str, version: str) -> None:
        """Make a version the champion."""
        self.lease.check()
        self.versions.crown(model, version)

    def rolled_back(self, model: str, version: str) -> float | None:
        """When a rollout last took this version back."""
        return self.versions.rolled_back(model, version)

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        """Remember that a rollout took this version back."""
        self.lease.check()
        self.versions.mark_rolled_back(model, version, when, reason)
