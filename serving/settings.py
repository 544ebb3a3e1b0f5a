"""Settings of the model server: the `MATCHDAY_SERVING_*` environment variables."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from matchday.errors import MatchdayError
from matchday.settings import Settings

PREFIX = "MATCHDAY_SERVING_"


class TokenError(MatchdayError):
    """The setting of the token holds none: the server would be open to everybody."""


class ServingSettings(BaseSettings):
    """Settings of a server, read once when a process starts."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    bundles: list[Path] = Field([], description="Bundle folders to serve, one per model (JSON list).")
    versions: list[str] = Field([], description="Registry versions of these bundles, in the same order.")
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    grpc_port: int = Field(0, ge=0, le=65535, description="Port of the protocol over gRPC; 0 is none.")
    workers: int = Field(1, ge=1, le=64, description="Worker processes that share the port.")
    variant: Literal["stable", "canary"] = Field("stable", description="Part of this server in a rollout.")
    online_store: str = Field(
        default_factory=lambda: str(Settings().online_store),
        description="Feast's online store: redis://HOST:PORT/DB, sqlite:///PATH, or a path.",
    )
    project: str = Field("matchday", description="Feast project whose features are read.")
    features_fresh_seconds: float = Field(
        0.5, ge=0, description="How long rows that were read are used again without asking the store."
    )
    features_stale_seconds: float = Field(
        3600.0, ge=0, description="How long the last known rows are used while the store is down; after it 503."
    )
    features_ttl_seconds: dict[str, float] = Field(
        {}, description="Age at kick-off beyond which a view's rows count as expired (JSON); 120 days for the others."
    )
    max_body_bytes: int = Field(4 * 2**20, gt=0, description="Largest request body; beyond it 413.")
    max_batch: int = Field(1024, gt=0, le=4096, description="Most rows in one request; beyond it 413.")
    body_seconds: float = Field(10.0, gt=0, description="Time a client has to send its body; beyond it 408.")
    request_seconds: float = Field(
        10.0, gt=0, description="Time an answer may take once the body is there; beyond it 504."
    )
    keep_alive_seconds: float = Field(
        90.0,
        ge=1,
        description="How long an idle connection stays open, and time a client has to send the head of a request;"
        " longer than load balancers keep theirs.",
    )
    max_concurrent: int = Field(256, gt=0, description="Requests in flight in a worker; beyond it 429.")
    token: SecretStr | None = Field(None, description="Bearer token that clients must send; none by default.")
    token_file: Path | None = Field(None, description="File that holds the token, in place of `token`.")
    drain_seconds: float = Field(
        5.0, ge=0, description="On SIGTERM, time from being not ready to accepting no more connections."
    )
    stop_seconds: int = Field(20, gt=0, description="Time for requests in flight to end when the server stops.")
    run_folder: Path | None = Field(
        None, description="Folder that the workers of a server share; made and set by the server."
    )
    sources: list[str] = Field(
        [], description="Model URIs that the bundles came from, in the same order; a new version there is followed."
    )
    start: str = Field(
        "",
        description="Set anew by each start that has fetched its bundles: what a former start served last is not gone"
        " on with then. Left alone where a container is restarted with the bundles of its pod.",
    )
    refresh_seconds: float = Field(
        0.0, ge=0, description="How often sources and bundle folders are checked for a new version; 0 is never."
    )
    predictions: str = Field(
        "",
        description="Where answers are logged: kafka://HOST:PORT[,HOST:PORT], kafka:// for the brokers of"
        " MATCHDAY_KAFKA_BOOTSTRAP_SERVERS, file:PATH, or nothing for nowhere.",
    )
    predictions_max_bytes: int = Field(
        0, ge=0, description="Size from which the file of predictions is rotated to PATH.1, PATH.2, ...; 0 is never."
    )
    predictions_keep: int = Field(
        0,
        ge=0,
        description="Rotated files that stay; predictions of older ones are deleted, and counted as dropped; 0 is all.",
    )

    def read_token(self) -> str:
        """The token that clients must send, empty where none is set.

        Raises OSError when its file cannot be read, TokenError when it holds no token.
        """
        if self.token_file is not None:
            try:
                text = self.token_file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                raise TokenError(f"{self.token_file} is no UTF-8 text: write the token into it, in one line") from None
            return _token(text, f"{self.token_file} holds no token: write one into it, in one line")
        if self.token is None:
            return ""
        return _token(self.token.get_secret_value(), f"{PREFIX}TOKEN is empty: give a token, or unset it to want none")


def _token(text: str, otherwise: str) -> str:
    token = text.strip()
    if not token or not token.isprintable():
        raise TokenError(otherwise)
    return token
