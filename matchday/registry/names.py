"""Names in the model registry: model URIs, aliases and tags. Needs no MLflow, so the server may import it."""

import re
from pathlib import Path
from typing import NamedTuple

from matchday.registry.error import RegistryError

SCHEME = "mlflow://"
PREFIX = "sqlite:///"
"""Begins the address of a registry that is a file on this machine."""

CHAMPION, CHALLENGER = "champion", "challenger"
"""Aliases: the version that serves, and the one that wants to."""

CONTENT_TAG = "matchday.content"
DIGEST_TAG = "matchday.bundle"
ATTACHED_TAG = "matchday.attachments"
COMMIT_TAG = "git_commit"

_URI = re.compile(r"mlflow://(?P<name>[\w.-]+)(?:/(?P<version>\d+)|@(?P<alias>[A-Za-z][\w-]*))")


class ModelUriError(RegistryError):
    """A text that is not a model URI."""


class ModelUri(NamedTuple):
    """`mlflow://NAME/VERSION` or `mlflow://NAME@ALIAS`: either `version` or `alias` is None."""

    name: str
    version: str | None
    alias: str | None

    @classmethod
    def parse(cls, uri: str) -> "ModelUri":
        """Raises ModelUriError. Leading zeros of a version are dropped."""
        found = _URI.fullmatch(uri)
        if found is None:
            raise ModelUriError(f"{uri!r} is no model URI: write mlflow://NAME/VERSION or mlflow://NAME@ALIAS")
        version = found["version"]
        return cls(found["name"], str(int(version)) if version else None, found["alias"])

    @property
    def pinned(self) -> bool:
        """Whether it means the same version for ever; what an alias means may change."""
        return self.version is not None


def sqlite_file(tracking_uri: str) -> Path | None:
    """The path in a SQLite tracking URI; None for another URI."""
    return Path(tracking_uri.removeprefix(PREFIX)) if tracking_uri.startswith(PREFIX) else None
