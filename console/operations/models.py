"""Registered models: their versions, and promotion by hand."""

import math
from dataclasses import dataclass

from matchday.errors import MatchdayError
from matchday.registry import CHAMPION, Registry
from matchday.settings import Settings


@dataclass(frozen=True)
class VersionSummary:
    """A version of a model. trained_until: a date, or empty. score: walk-forward RPS, NaN where it has none."""

    version: str
    aliases: tuple[str, ...]
    trained_until: str
    score: float


def list_versions(name: str) -> list[VersionSummary]:
    """The versions of a model, newest first. Raises MatchdayError when there is none."""
    registry = Registry(Settings().tracking_uri)
    versions = registry.versions(name)
    if not versions:
        known = ", ".join(registry.models()) or "none; train one with 'matchday pipeline run'"
        raise MatchdayError(f"no model {name}; registered: {known}")
    return [
        VersionSummary(
            version=one.version,
            aliases=tuple(one.aliases),
            trained_until=one.tags.get("trained_until", "")[:10],
            score=registry.metrics(name, one.version).get("walk_forward_rps", math.nan),
        )
        for one in versions
    ]


def promote(name: str, version: str, alias: str = CHAMPION) -> None:
    """Point an alias at a version. Raises RegistryError when there is no such version."""
    registry = Registry(Settings().tracking_uri)
    if alias == CHAMPION:
        registry.promote(name, version)
    else:
        registry.set_alias(name, alias, version)
