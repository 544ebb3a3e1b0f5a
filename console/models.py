"""Registered models on the terminal."""

from console.screen import console, table
from matchday.errors import MatchdayError
from matchday.registry import Registry
from matchday.settings import Settings


def show(name: str) -> None:
    """List the versions of a model. Raises MatchdayError when there is none."""
    registry = Registry(Settings().tracking_uri)
    versions = registry.versions(name)
    if not versions:
        known = ", ".join(registry.models()) or "none; train one with 'matchday pipeline run'"
        raise MatchdayError(f"no model {name}; registered: {known}")
    rows = [
        (
            one.version,
            ", ".join(one.aliases) or "-",
            one.tags.get("trained_until", "-")[:10],
            f"{registry.metrics(name, one.version).get('walk_forward_rps', float('nan')):.4f}",
        )
        for one in versions
    ]
    table(("version", "aliases", "trained until", "RPS"), rows, text_columns=3)


def promote(name: str, version: str, alias: str) -> None:
    """Move an alias by hand."""
    registry = Registry(Settings().tracking_uri)
    if alias == "champion":
        registry.promote(name, version)
    else:
        registry.set_alias(name, alias, version)
    console.print(f"{name}@{alias} is version {version}")
