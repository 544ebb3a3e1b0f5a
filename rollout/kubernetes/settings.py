"""Settings of the operator: environment variables `MATCHDAY_OPERATOR_*`."""

import socket
import uuid

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from rollout.kubernetes.client import default_namespace


class OperatorSettings(BaseSettings):
    """How the operator works. Read once at its start."""

    model_config = SettingsConfigDict(env_prefix="MATCHDAY_OPERATOR_", frozen=True)

    namespace: str = Field(default_factory=default_namespace, description="Namespace of its ModelRollouts.")
    namespaces: list[str] = Field([], description="Other namespaces whose ModelRollouts it carries out as well.")
    services: list[str] = Field([], description="InferenceServices to keep ready for rollouts: pinned, routed.")
    other_services: dict[str, list[str]] = Field(
        {}, description="By namespace, services of others: what a deleted ModelRollout left in them is ended."
    )
    model: str = Field("", description="Model of all these services; empty: each serves the model of its own name.")
    registry: bool = Field(True, description="Whether there are Matchday's registry and lake; false: storageUri only.")
    interval_seconds: float = Field(5.0, gt=0, description="Time between two rounds.")
    lease: str = Field("matchday-rollout", description="Name of the Lease that the active operator holds.")
    name: str = Field(default_factory=socket.gethostname, description="Name of this process in the lease.")
    health_port: int = Field(8090, ge=0, le=65535, description="Port of the liveness endpoint; 0: none.")
    prometheus_url: str = Field("", description="Prometheus to read counters from; empty: the servers themselves.")

    gateway_metrics: bool = Field(False, description="Whether that Prometheus has the gateway's counters by endpoint.")

    def holder(self) -> str:
        """A name for the lease, unlike that of any other process or of this one after a restart."""
        return f"{self.name}-{uuid.uuid4().hex[:8]}"

    def models(self) -> dict[str, str]:
        """The model of each service."""
        return {service: self.model or service for service in self.services}
