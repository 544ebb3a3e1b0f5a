"""MLflow's own database on this machine, read by a subprocess: the server must not import MLflow."""

import json
import os
import subprocess
import sys

from matchday.bundle import verify_bundle
from matchday.registry.names import sqlite_file
from matchday.registry.stored import find_stored
from matchday.signature import Signature
from serving.storage.errors import FetchError
from serving.storage.registry import FoundVersion

COMMAND = (sys.executable, "-m", "matchday.registry")
SUBPROCESS_SECONDS = 300.0


class EmbeddedRegistry:
    """Versions are read from the database file; all else starts `python -m matchday.registry`, which takes seconds."""

    def __init__(self, tracking_uri: str) -> None:
        self._tracking_uri = tracking_uri

    def resolve(self, uri: str) -> FoundVersion:
        """The version that a model URI means now. Raises ModelUriError, FetchError with a reason."""
        database = sqlite_file(self._tracking_uri)
        if database and (found := find_stored(database, uri)):
            return FoundVersion(*found)
        return FoundVersion(**json.loads(self._run("resolve", uri).splitlines()[-1]))

    def download(self, uri: str, folder: str | os.PathLike[str]) -> Signature:
        """Put the verified bundle into `folder`. Raises FetchError, or BundleError when it is not whole."""
        self._run("download", uri, os.fspath(folder))
        return verify_bundle(folder)

    def _run(self, *arguments: str) -> str:
        environ = {**os.environ, "MATCHDAY_TRACKING_URI": self._tracking_uri}
        try:
            done = subprocess.run(
                [*COMMAND, *arguments],
                env=environ,
                capture_output=True,
                text=True,
                check=False,
                timeout=SUBPROCESS_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise FetchError(
                f"the registry did not {arguments[0]} {arguments[1]} within {SUBPROCESS_SECONDS:g} s"
            ) from None
        if done.returncode != 0:
            raise FetchError(next(reversed(done.stderr.splitlines()), f"{arguments[1]} could not be fetched"))
        return done.stdout
