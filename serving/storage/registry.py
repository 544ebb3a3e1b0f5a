"""What storage needs of a model registry."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from matchday.registry.names import SCHEME
from matchday.signature import Signature


class RegisteredVersion(Protocol):
    """A registered version of a model."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def version(self) -> str:
        """Its number, as text."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags as registered."""


class BundleRegistry(Protocol):
    """A registry that bundles can be read from, such as `matchday.registry.Registry`."""

    def resolve(self, uri: str) -> RegisteredVersion:
        """The version that a model URI means now. Raises MatchdayError when there is none."""

    def download(self, uri: str, folder: str | os.PathLike[str]) -> Signature:
        """Put the verified bundle into `folder`, whole or not at all. Raises MatchdayError."""


@dataclass(frozen=True)
class FoundVersion:
    """A registered version as a registry without MLflow finds it. tags: as registered."""

    name: str
    version: str
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def uri(self) -> str:
        """The pinned model URI."""
        return f"{SCHEME}{self.name}/{self.version}"
