"""Settings of the operator: the `MATCHDAY_OPERATOR_*` environment variables."""

import socket
import uuid

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from rollout.kubernetes.client import default_namespace


class OperatorSettings(BaseSettings):
    """How the operator works. Read once, when it starts."""

    model_config = SettingsConfigDict(env_prefix="MATCHDAY_OPERATOR_", frozen=True)

    namespace: str = Field(default_factory=default_namespace, description="The one whose ModelRollouts it carries out.")
    services: list[str] = Field([], description="InferenceServices that are kept ready for rollouts: pinned, routed.")
    model: str = Field("match-outcome", description="The model that those services serve.")
    interval_seconds: float = Field(5.0, gt=0, description="Time between two looks.")
    lease: str = Field("matchday-rollout", description="Lease that the one operator that acts holds.")
    name: str = Field(default_factory=socket.gethostname, description="Name of this process in the lease.")
    health_port: int = Field(8090, ge=0, le=65535, description="Port that says whether it is alive; 0 is none.")
    prometheus_url: str = Field("", description="Prometheus to read counters from; empty: the servers themselves.")

    def holder(self) -> str:
        """A name that no other process has, nor this one after a restart."""
        return f"{self.name}-{uuid.uuid4().hex[:8]}"
