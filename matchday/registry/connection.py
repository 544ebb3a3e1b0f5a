"""An MLflow server, or a SQLite file with the artifacts in a folder beside it."""

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from matchday.registry import sqlite
from matchday.registry.client import client_class, translate_errors

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient


class Connection:
    """What every reader and writer of MLflow has. Nothing is opened before the first call."""

    def __init__(self, tracking_uri: str) -> None:
        """tracking_uri: `sqlite:///PATH`, created if missing, or the http(s) address of a server."""
        self.tracking_uri = tracking_uri

    @cached_property
    def _client(self) -> "MlflowClient":
        client = client_class()
        if file := sqlite.sqlite_file(self.tracking_uri):
            sqlite.create(file)
        return client(self.tracking_uri, registry_uri=self.tracking_uri)

    @property
    def _artifacts(self) -> Path | None:
        """The folder of the artifacts; None for a server, which knows where its own are."""
        file = sqlite.sqlite_file(self.tracking_uri)
        return (file.parent / "artifacts").resolve() if file else None

    def _translate_errors(self, action: str) -> AbstractContextManager[None]:
        return translate_errors(self.tracking_uri, action)
