"""Settings of the stream: the `MATCHDAY_STREAM_*` environment variables."""

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from matchday.settings import SettingsError

PREFIX = "MATCHDAY_STREAM_"


class StreamSettings(BaseSettings):
    """How the processor reads and where it answers probes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    events: str = Field(
        "", description="Where events are: kafka://[HOST:PORT,...]; empty: in process, for commands that make them."
    )
    group: str = Field("matchday-features", description="Consumer group of the processors.")
    as_of: str = Field(
        "", description="For replays: what the lake says of matches that ended after this date is left to the stream."
    )
    host: str = Field("127.0.0.1", description="Address on which probes and metrics are answered.")
    most: int = Field(2_000, ge=1, le=100_000, description="Records of one poll.")
    session_seconds: float = Field(
        15.0, ge=0.5, le=300, description="Silence after which Kafka gives this processor's partitions to others."
    )
    flush_seconds: float = Field(1.0, gt=0, le=60, description="Time between two commits.")
    retry_seconds: float = Field(15.0, gt=0, le=300, description="Longest pause before a further try.")

    @classmethod
    def load(cls) -> "StreamSettings":
        """The settings of this environment. Raises SettingsError that names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            wrong = [f"{PREFIX}{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()]
            raise SettingsError("; ".join(wrong)) from None
