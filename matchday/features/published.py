"""Published versions of feature services: pinned in the repository, and never changed in place.

A model is trained with one version of a feature service and served with it as long as it lives. A definition that
changed under its name would give that model numbers it has never learnt from. So `published.json` keeps the definition
of each published version and the fingerprints of its values; whatever differs from it is refused, and published as a
new version beside the old one. Why: docs/decisions/0026-a-published-feature-service-never-changes.md
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from matchday.errors import MatchdayError
from matchday.features import entities, services
from matchday.features.difference import Definition, compare
from matchday.features.services import FeatureService, version_of
from matchday.files import write_file

PUBLISHED = Path(__file__).with_name("published.json")


class FeatureVersionError(MatchdayError):
    """A feature service that differs from its published version, or was never published."""


@dataclass(frozen=True)
class PublishedService:
    """A published version. values: fingerprints of its features' values by column (`matchday.features.values`)."""

    definition: Definition
    values: Mapping[str, str] = field(default_factory=dict)


def describe(service: FeatureService) -> Definition:
    """All that decides which numbers a model gets: inputs, features in their order, and the TTL of each view."""
    return {
        "inputs": {each.name: {"join_key": each.join_key, "datatype": each.datatype} for each in service.inputs},
        "features": [asdict(feature) for feature in service.features],
        "views": {name: {"ttl_seconds": entities.view(name).ttl_seconds} for name in service.views},
    }


def fingerprint(definition: Definition) -> str:
    """Sixteen hexadecimal digits for a definition."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]


def read_published(file: Path | None = None) -> dict[str, PublishedService]:
    """Published versions by name. Raises FeatureVersionError for a file that is not what `publish` wrote."""
    file = file or PUBLISHED
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        return {name: PublishedService(each["definition"], each["values"]) for name, each in tree.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise FeatureVersionError(f"{file} is not as it was written: restore it from git") from None


def check_published(services: Mapping[str, FeatureService]) -> None:
    """Raises FeatureVersionError that says what to do unless each service is as it was published."""
    pinned = read_published()
    for name, service in services.items():
        if name not in pinned:
            raise FeatureVersionError(
                f"the feature service {name} is not published: 'matchday features publish {name}' pins its definition"
            )
        check_same(name, pinned[name].definition, describe(service), f"published in {PUBLISHED.name}")


def check_same(name: str, known: Definition, now: Definition, where: str) -> None:
    """Raises FeatureVersionError unless a version's definition of now is the known one. where: that one is."""
    if fingerprint(known) == fingerprint(now):
        return
    raise FeatureVersionError(
        f"the feature service {name} is not the one {where}: it {compare(known, now)}. Models that are served read"
        f" {name}: leave it as it was and add the change as {_next_version(name)} to matchday/features/services.py"
    )


def publish(service: FeatureService, values: Mapping[str, str]) -> bool:
    """Pin a version; returns whether it is new. Raises FeatureVersionError for a published one that has changed."""
    pinned = read_published()
    definition = describe(service)
    if service.name in pinned:
        check_same(service.name, pinned[service.name].definition, definition, f"published in {PUBLISHED.name}")
        return False
    pinned[service.name] = PublishedService(definition, values)
    content = {name: asdict(each) for name, each in pinned.items()}
    write_file(PUBLISHED, (json.dumps(content, indent=1) + "\n").encode())
    return True


def _next_version(name: str) -> str:
    family = name.removesuffix(f"_v{version_of(name)}")
    taken = [version_of(each) for each in (*services.SERVICES, name) if each.startswith(f"{family}_v")]
    return f"{family}_v{max(taken) + 1}"
