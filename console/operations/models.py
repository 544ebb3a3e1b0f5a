"""Registered models: their versions, and promotion by hand."""

import math
from dataclasses import dataclass

from matchday.errors import MatchdayError
from matchday.models.catalogue import KINDS
from matchday.registry import CHAMPION, Registry
from matchday.settings import Settings


@dataclass(frozen=True)
class VersionSummary:
    """A version of a model. trained_until: a date, or empty. score: of its walk-forward evaluation, NaN without one."""

    version: str
    aliases: tuple[str, ...]
    trained_until: str
    score: float


@dataclass(frozen=True)
class ModelSummary:
    """A registered model. score: title of the score that its versions are compared by. versions: newest first."""

    name: str
    score: str
    versions: tuple[VersionSummary, ...]


def summarise(name: str) -> ModelSummary:
    """A registered model and its versions. Raises MatchdayError when it has none."""
    registry = Registry(Settings().tracking_uri)
    versions = registry.versions(name)
    if not versions:
        known = ", ".join(registry.models()) or "none; train one with 'matchday pipeline run'"
        raise MatchdayError(f"no model {name}; registered: {known}")
    score = KINDS[name].score if name in KINDS else None
    metric = f"walk_forward_{score.name}" if score else ""
    rows = [
        VersionSummary(
            version=one.version,
            aliases=tuple(one.aliases),
            trained_until=one.tags.get("trained_until", "")[:10],
            score=registry.metrics(name, one.version).get(metric, math.nan),
        )
        for one in versions
    ]
    return ModelSummary(name, score.title if score else "score", tuple(rows))


def promote(name: str, version: str, alias: str = CHAMPION) -> None:
    """Point an alias at a version. Raises RegistryError when there is no such version."""
    registry = Registry(Settings().tracking_uri)
    if alias == CHAMPION:
        registry.promote(name, version)
    else:
        registry.set_alias(name, alias, version)
