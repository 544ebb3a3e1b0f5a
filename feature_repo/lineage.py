"""Where features come from: written down with the definitions in Feast's registry, and read from there again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feast.protos.feast.core.Registry_pb2 import Registry

from feature_repo.definitions import Definitions
from matchday.commit import commit
from matchday.features import services
from matchday.features.difference import Definition
from matchday.features.published import check_published, check_same, describe, fingerprint
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.settings import Settings
from matchday.storage import Storage

DEFINITION = "definition"
"""Tag of a service: its definition as JSON."""


@dataclass(frozen=True)
class Applied:
    """A service or view as it was applied to the registry. lineage: table, data, commit, applied, fingerprint.

    definition: of a service; empty for a view, and for a service that an earlier release applied.
    """

    name: str
    about: str
    lineage: Mapping[str, str]
    definition: Definition = field(default_factory=dict)


def stamp(definitions: Definitions, lake: Lake) -> None:
    """Write on each definition where it comes from.

    A view: address and content of its table in the lake. A service: its definition. Both: commit of the code, and now.
    """
    origin = {"commit": commit(), "applied": datetime.now(UTC).isoformat(timespec="seconds")}
    reader = LakeReader(lake.storage.url)
    for view in definitions.views:
        table = {"table": lake.storage.address(view.name), "data": reader.fingerprint(view.name) or ""}
        view.tags = {**table, **origin}
    for service in definitions.services:
        definition = describe(services.SERVICES[service.name])
        text = json.dumps(definition, separators=(",", ":"))
        service.tags = {DEFINITION: text, "fingerprint": fingerprint(definition), **origin}


def check_definitions(settings: Settings) -> None:
    """Raises FeatureVersionError when a service is not as published, or not as the shared registry has it."""
    check_published(services.SERVICES)
    for name, applied in read_applied(settings).items():
        if applied.definition and name in services.SERVICES:
            address = f"applied at {applied.lineage['applied']} to {settings.feast_registry}"
            check_same(name, applied.definition, describe(services.SERVICES[name]), address)


def read_applied(settings: Settings) -> dict[str, Applied]:
    """Services and views of the shared registry by name; none where nothing was applied yet."""
    content = Registry()
    content.ParseFromString(_read(settings.feast_registry))
    return {each.spec.name: _applied(each.spec) for each in (*content.feature_services, *content.feature_views)}


def _applied(spec: Any) -> Applied:
    lineage = dict(spec.tags)
    definition = json.loads(lineage.pop(DEFINITION, "{}"))
    return Applied(spec.name, spec.description, lineage, definition)


def _read(address: str) -> bytes:
    try:
        if "://" in address:
            folder, _, name = address.rpartition("/")
            return Storage(folder).read(name)
        return Path(address).read_bytes()
    except FileNotFoundError:
        return b""
