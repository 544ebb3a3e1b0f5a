"""What a request reads of one feature view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from feast.feature_view import DUMMY_ENTITY_ID, FeatureView
from feast.infra.registry.base_registry import BaseRegistry
from feast.utils import _get_requested_feature_views_to_features_dict, _get_requested_on_demand_feature_views

from feature_repo.error import FeatureStoreError
from feature_repo.offline.source import ParquetSource

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Columns:
    """Columns of a source by the names that Feast knows them by. mapping: name in the files -> name in the view."""

    mapping: Mapping[str, str]
    found: frozenset[str]
    where: str

    def name(self, wanted: str) -> str | None:
        """The name in the files; None when no file has the column."""
        for name in (*(name for name, mapped in self.mapping.items() if mapped == wanted), wanted):
            if name in self.found:
                return name
        return None

    def expect(self, wanted: str) -> str:
        """The name in the files. Raises FeatureStoreError when no file has the column."""
        if (name := self.name(wanted)) is None:
            raise FeatureStoreError(f"no file of {self.where} has a column {wanted!r}; they have {sorted(self.found)}")
        return name


@dataclass(frozen=True)
class Lookup:
    """The features that a request wants of one view.

    keys: column of the entity rows -> column of the view. features: column of the result -> column of the view.
    time, created: columns of the event time and of the time of writing, which decides between rows of equal event
    time. ttl: the age from which a row is too old; zero for none. mapping: name in the files -> name in the view.
    """

    source: ParquetSource
    keys: Mapping[str, str]
    features: Mapping[str, str]
    time: str
    created: str | None
    ttl: timedelta
    mapping: Mapping[str, str]

    @property
    def ttl_ns(self) -> int:
        """The time to live in nanoseconds; 0 for none."""
        return self.ttl // MICROSECOND * 1000

    def columns(self, found: Sequence[str]) -> Columns:
        """The names of the view over these columns of the files."""
        return Columns(self.mapping, frozenset(found), self.source.path)

    def names(self, found: Sequence[str]) -> dict[str, str]:
        """Columns of the view -> names in the files, without `created` where no file has it.

        Raises FeatureStoreError when no file has another one.
        """
        columns = self.columns(found)
        names = {each: columns.expect(each) for each in (*self.keys.values(), *self.features.values(), self.time)}
        created = columns.name(self.created) if self.created else None
        return {**names, self.created: created} if self.created and created else names


def lookups(
    views: list[FeatureView],
    references: list[str],
    registry: BaseRegistry,
    project: str,
    full_names: bool,
    folder: Path | None,
) -> list[Lookup]:
    """One lookup for each view that the references (`view:feature`) name, in their order."""
    on_demand = _get_requested_on_demand_feature_views(references, project, registry)
    wanted, _ = _get_requested_feature_views_to_features_dict(references, views, on_demand)
    return [_lookup(view, features, full_names, folder) for view, features in wanted.items()]


def _lookup(view: FeatureView, features: list[str], full_names: bool, folder: Path | None) -> Lookup:
    source = view.batch_source
    if source is None:
        raise FeatureStoreError(f"feature view {view.name} has no batch source to join from")
    prefix = f"{view.projection.name_alias or view.name}__" if full_names else ""
    renamed = view.projection.join_key_map
    keys = [column.name for column in view.entity_columns if column.name != DUMMY_ENTITY_ID]
    return Lookup(
        source=ParquetSource.of(source, folder),
        keys={renamed.get(key, key): key for key in keys},
        features={prefix + feature: feature for feature in dict.fromkeys(features)},
        time=source.timestamp_field,
        created=source.created_timestamp_column or None,
        ttl=view.ttl or timedelta(0),
        mapping=dict(source.field_mapping or {}),
    )
