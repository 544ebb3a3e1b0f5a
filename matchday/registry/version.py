"""A registered version of a model: its URI, its aliases, its tags."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matchday.registry.error import RegistryError

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion


@dataclass(frozen=True)
class ModelVersion:
    """A registered version. Two are equal when name, version and run are."""

    name: str
    version: str
    run_id: str
    aliases: tuple[str, ...] = field(default=(), compare=False)
    created: datetime | None = field(default=None, compare=False)
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def uri(self) -> str:
        """The pinned model URI, `mlflow://match-outcome/12`."""
        return f"mlflow://{self.name}/{self.version}"


def from_mlflow(item: "MlflowVersion", pointing: Mapping[str, str]) -> ModelVersion:
    """Convert MLflow's version. pointing: the model's aliases and the version each points to."""
    number = str(item.version)
    return ModelVersion(
        name=item.name,
        version=number,
        run_id=item.run_id or "",
        aliases=tuple(sorted(alias for alias, version in pointing.items() if version == number)),
        created=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
        tags=dict(item.tags),
    )


def check_name(name: str) -> str:
    """The name itself. Raises RegistryError for one that no model may have."""
    if not re.fullmatch(r"[\w.-]+", name):
        raise RegistryError(f"{name!r} is no model name: letters, digits, '.', '_' and '-' only")
    return name
