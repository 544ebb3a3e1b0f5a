"""Settings of rollouts on this machine: environment variables `MATCHDAY_ROLLOUT_*`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RolloutSettings(BaseSettings):
    """How a rollout is carried out here. Read once at its start."""

    model_config = SettingsConfigDict(env_prefix="MATCHDAY_ROLLOUT_", frozen=True)

    host: str = Field("127.0.0.1", description="Address at which Envoy takes requests; 0.0.0.0 in a container.")
    port: int = Field(8080, ge=1, le=65535, description="Port at which Envoy takes requests.")
    interval_seconds: float = Field(1.0, gt=0, description="Time between two rounds.")
    prometheus_url: str = Field("", description="Prometheus that the `checks` of a specification are asked of.")
