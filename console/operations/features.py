"""Feature services and views: listed, described, compared, published."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from console.operations.feature_views import ViewSummary, entity_of, features_of, table_of, view_names, view_summary
from matchday.errors import MatchdayError
from matchday.features import entities, published, services
from matchday.features.difference import Difference, compare
from matchday.features.published import PublishedService
from matchday.features.services import FeatureService, version_of
from matchday.lake.reader import LakeReader
from matchday.models.catalogue import KINDS
from matchday.settings import Settings


class UnknownFeaturesError(MatchdayError):
    """A name that neither a feature service nor a feature view has."""


@dataclass(frozen=True)
class ServiceSummary:
    """A version of a feature service. entities: join key of each input. models: that are trained with it now."""

    name: str
    version: int
    entities: Mapping[str, str]
    views: tuple[str, ...]
    features: int
    models: tuple[str, ...]


@dataclass(frozen=True)
class Lineage:
    """How something stands in the shared registry, and where its features come from; empty before it was applied.

    data: fingerprint of the table as it was applied. current: of the table as it is now; None for a service.
    """

    applied: str = ""
    commit: str = ""
    table: str = ""
    data: str = ""
    current: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class Described:
    """A service or view. columns: of a service its features with their origin, of a view its features with their type.

    values: fingerprints of the features' values of a published service by column.
    """

    name: str
    kind: str
    version: int
    about: str
    columns: Sequence[Mapping[str, Any]]
    lineage: Lineage
    entities: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def list_features() -> tuple[list[ServiceSummary], list[ViewSummary]]:
    """Every feature service, and every feature view with what the lake has of it."""
    reader = LakeReader(Settings().lake)
    return [_summarise(one) for one in services.SERVICES.values()], [
        view_summary(reader, view) for view in view_names()
    ]


def describe(wanted: str) -> Described:
    """A service or view by its name. Raises UnknownFeaturesError, with the nearest names."""
    if wanted in services.SERVICES:
        return _describe_service(services.SERVICES[wanted])
    if wanted in view_names():
        return _describe_view(wanted)
    raise _unknown(wanted, "feature service or view", [*services.SERVICES, *view_names()])


def diff(before: str, after: str) -> Difference:
    """What differs between two versions of a service, values too where they are known of both.

    Published versions that this code no longer has can be compared as well. Raises UnknownFeaturesError.
    """
    pinned = published.read_published()
    first, second = (_definition(one, pinned) for one in (before, after))
    return compare(first.definition, second.definition, first.values, second.values)


def publish(wanted: str) -> bool:
    """Pin the definition of a service and the values of its features; returns whether it was not yet.

    Raises UnknownServiceError, FeatureVersionError for a published one that has changed.
    """
    service = services.feature_service(wanted)
    if service.name in published.read_published():
        return published.publish(service, {})
    return published.publish(service, _values(service))


def describe_list(found: tuple[Sequence[ServiceSummary], Sequence[ViewSummary]]) -> dict[str, Any]:
    """Services and views as JSON can hold them."""
    now = datetime.now(UTC)
    return {
        "services": [asdict(one) for one in found[0]],
        "views": [
            {
                **asdict(one),
                "newest": one.newest and one.newest.isoformat(timespec="seconds"),
                "age_seconds": None if (age := one.age(now)) is None else round(age.total_seconds()),
            }
            for one in found[1]
        ],
    }


def describe_difference(before: str, after: str, found: Difference) -> dict[str, Any]:
    """A difference as JSON can hold it."""
    return {"before": before, "after": after, "same": found.empty, **asdict(found)}


def _summarise(service: FeatureService) -> ServiceSummary:
    return ServiceSummary(
        name=service.name,
        version=version_of(service.name),
        entities={each.name: each.join_key for each in service.inputs},
        views=service.views,
        features=len(service.features),
        models=tuple(kind.name for kind in KINDS.values() if kind.feature_service == service.name),
    )


def _describe_service(service: FeatureService) -> Described:
    pinned = published.read_published().get(service.name)
    definition = published.describe(service)
    return Described(
        name=service.name,
        kind="feature service",
        version=version_of(service.name),
        about=service.about,
        columns=definition["features"],
        lineage=_lineage(service.name),
        entities={each.name: each.join_key for each in service.inputs},
        views=definition["views"],
        fingerprint=published.fingerprint(definition),
        values=pinned.values if pinned else {},
    )


def _describe_view(view: str) -> Described:
    schema = table_of(view).to_schema().columns
    return Described(
        name=view,
        kind="feature view",
        version=version_of(view),
        about=(table_of(view).__doc__ or "").strip().splitlines()[0],
        columns=[{"name": column, "dtype": str(schema[column].dtype)} for column in features_of(view)],
        lineage=_lineage(view, LakeReader(Settings().lake).fingerprint(view)),
        entities={view: entity_of(view)},
        views={view: {"ttl_seconds": entities.view(view).ttl_seconds}},
    )


def _lineage(wanted: str, current: str | None = None) -> Lineage:
    from feature_repo.lineage import read_applied

    applied = read_applied(Settings()).get(wanted)
    known = dict(applied.lineage) if applied else {}
    fields = {each: known.get(each, "") for each in ("applied", "commit", "table", "data", "fingerprint")}
    return Lineage(**fields, current=current)


def _definition(wanted: str, pinned: Mapping[str, PublishedService]) -> PublishedService:
    """A version with its values: those that are pinned, or else computed."""
    if (service := services.SERVICES.get(wanted)) is None:
        if wanted not in pinned:
            raise _unknown(wanted, "feature service", {**services.SERVICES, **pinned})
        return pinned[wanted]
    values = pinned[wanted].values if wanted in pinned else _values(service)
    return PublishedService(published.describe(service), values)


def _values(service: FeatureService) -> Mapping[str, str]:
    """Fingerprints of the values of the features that can be computed on the pinned slice of the bundled history."""
    from matchday.features.values import VIEWS, feature_values
    from matchday.sources.snapshot import Snapshot

    known = [feature for feature in service.features if feature.view in VIEWS]
    return feature_values(Snapshot(Settings().snapshot), known) if known else {}


def _unknown(wanted: str, what: str, known: Sequence[str] | Mapping[str, Any]) -> UnknownFeaturesError:
    near = get_close_matches(wanted.lower().replace("-", "_"), known)
    told = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
    return UnknownFeaturesError(f"no {what} {wanted!r}; {told}")
