"""Where things live on this machine: the `MATCHDAY_*` environment variables of the domain."""

import tempfile
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from matchday.errors import MatchdayError
from matchday.online_store import RedisAddress, parse_online_store

REPOSITORY = Path(__file__).resolve().parent.parent


class SettingsError(MatchdayError):
    """A setting that this machine cannot carry out."""


class Settings(BaseSettings):
    """Settings of the domain; every default is embedded use below one folder, `home`."""

    model_config = SettingsConfigDict(env_prefix="MATCHDAY_", frozen=True)

    home: Path = Field(
        Path(".matchday"),
        description="Local state. All but `collected/` can be made again; that cannot be fetched again.",
    )
    snapshot: Path = Field(REPOSITORY / "data", description="The bundled history, as committed.")
    lake_url: str | None = Field(None, alias="MATCHDAY_LAKE", description="file:// or s3:// root of the tables.")
    collected_url: str | None = Field(
        None,
        alias="MATCHDAY_COLLECTED",
        description="file:// or s3:// root of what was collected from live sources, which nobody can fetch again.",
    )
    mlflow_uri: str | None = Field(None, alias="MATCHDAY_TRACKING_URI", description="MLflow tracking server.")
    online_url: str | None = Field(
        None,
        alias="MATCHDAY_ONLINE_STORE",
        description="Feast's online store: redis://[:PASSWORD@]HOST:PORT/DB, or a path; see matchday.online_store.",
    )
    promotion: Literal["run", "judge"] = Field(
        "run",
        description="Who moves the alias `champion`: runs of pipelines, or the judge of rollouts, but for the first.",
    )
    registry_url: str | None = Field(
        None, alias="MATCHDAY_FEAST_REGISTRY", description="Feast's registry: s3://BUCKET/KEY, or a path."
    )
    studies_url: str | None = Field(
        None,
        alias="MATCHDAY_STUDIES",
        description="Database of the searches of settings: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.",
    )

    @cached_property
    def lake(self) -> str:
        """Root of the lake, a URL or a path."""
        return self.lake_url or str(self.home.resolve() / "lake")

    @cached_property
    def collected(self) -> str:
        """Root of what was collected from live sources, a URL or a path. It does not lie in the lake."""
        return self.collected_url or str(self.home.resolve() / "collected")

    @cached_property
    def tracking_uri(self) -> str:
        """MLflow tracking and registry URI."""
        return self.mlflow_uri or f"sqlite:///{self.home.resolve() / 'mlflow' / 'mlflow.db'}"

    @cached_property
    def studies(self) -> str:
        """Database of the searches of settings."""
        return self.studies_url or f"sqlite:///{self.home.resolve() / 'studies.db'}"

    @property
    def embedded(self) -> bool:
        """Whether the registry is this machine's own file, and not one that others share."""
        return self.tracking_uri.startswith("sqlite:")

    @cached_property
    def online_store(self) -> str:
        """Feast's online store: the URL of a Redis, or the path of a SQLite file."""
        return self.online_url or str(self.home.resolve() / "feast" / "online.db")

    @cached_property
    def online_address(self) -> Path | RedisAddress:
        """The same, parsed. Raises OnlineStoreAddressError for an address that names no store."""
        return parse_online_store(self.online_store)

    @cached_property
    def online_file(self) -> Path | None:
        """The SQLite file of the online features; None when a server holds them."""
        return self.online_address if isinstance(self.online_address, Path) else None

    @cached_property
    def feast_registry(self) -> str:
        """Feast's registry: an object of a bucket, or the path of a file."""
        return self.registry_url or str(self.feast_folder / "registry.db")

    @cached_property
    def feast_folder(self) -> Path:
        """What Feast needs on this machine: beside the SQLite file, if there is one."""
        return self.online_file.parent if self.online_file else self.home.resolve() / "feast"

    def make_home(self) -> None:
        """Make the folder of local state. Raises SettingsError where it cannot be written."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.home):
                pass
        except OSError as error:
            raise SettingsError(
                f"cannot write to {self.home} ({error.strerror}): set MATCHDAY_HOME to a folder that can be written"
            ) from None
