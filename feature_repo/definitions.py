"""Feast definitions: entities, feature views over the lake's feature tables, every published feature service.

Versions of a service or view are definitions of their own, side by side: `match_outcome_v1` and `match_outcome_v2`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pandera.pandas as pa
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.data_source import DataSource
from feast.types import Float32, Float64, Int64, PrimitiveFeastType

from feature_repo.error import FeatureStoreError
from matchday.features import entities, services
from matchday.features.entities import EntityKey
from matchday.features.tables import entity_of, features_of
from matchday.tables import name

TTL = timedelta(seconds=entities.TTL_SECONDS)

VALUE_TYPES = {"BYTES": ValueType.STRING, "INT64": ValueType.INT64}
"""Datatype of an entity key in requests -> its type in Feast."""


def entity(key: EntityKey) -> Entity:
    """The Feast entity for an entity key."""
    kind = VALUE_TYPES[key.datatype]
    return Entity(name=key.join_key, join_keys=[key.join_key], value_type=kind, description=key.description)


ENTITIES = tuple(map(entity, entities.ENTITIES))
TEAM, PLAYER = ENTITIES
BY_KEY = {each.name: each for each in ENTITIES}

DTYPES: dict[str, PrimitiveFeastType] = {"float64": Float64, "float32": Float32, "int64": Int64}
"""Type of a feature in a signature -> its type in Feast."""


@dataclass(frozen=True)
class Definitions:
    """Entities, feature views and feature services that are applied to Feast together."""

    entities: tuple[Entity, ...]
    views: tuple[FeatureView, ...]
    services: tuple[FeatureService, ...]

    def all(self) -> list[Entity | FeatureView | FeatureService]:
        """One list, as `FeatureStore.apply` takes it."""
        return [*self.entities, *self.views, *self.services]


def definitions(paths: dict[type[pa.DataFrameModel], str]) -> Definitions:
    """The definitions, with feature tables at these paths (a Parquet file or a glob of them for each table)."""
    views = tuple(feature_view(table, path) for table, path in paths.items())
    return Definitions(ENTITIES, views, tuple(service(each, views) for each in services.SERVICES.values()))


def feature_view(table: type[pa.DataFrameModel], path: str) -> FeatureView:
    """The feature view of a table, whose rows are teams or players; it has the name of the table."""
    source: DataSource = FileSource(
        name=name(table), path=path, timestamp_field="event_time", created_timestamp_column="created"
    )
    return FeatureView(
        name=name(table),
        entities=[BY_KEY[entity_of(table).join_key]],
        ttl=TTL,
        schema=[Field(name=column, dtype=DTYPES[kind]) for column, kind in features_of(table).items()],
        source=source,
        description=(table.__doc__ or "").strip().splitlines()[0],
    )


def service(version: services.FeatureService, views: Sequence[FeatureView]) -> FeatureService:
    """The Feast service of a version: the features it reads of each view, once for each input.

    Inputs are the home and the away team, or a player, his team and the other one.
    Features are named `home__team_form__points_5`; `matchday.features.vectors.assemble` makes vectors of them.
    Raises FeatureStoreError when a view lacks a feature that it reads.
    """
    wanted: dict[tuple[str, str], list[str]] = {}
    known = {view.name: view for view in views}
    for feature in version.features:
        fields = {each.name: each.dtype for each in known[feature.view].features} if feature.view in known else {}
        if fields.get(feature.feature) != DTYPES[feature.dtype]:
            raise FeatureStoreError(
                f"{version.name} reads {feature.feature} ({feature.dtype}) of the view {feature.view}, which has none"
                " of this name and type: restore it there, or let a new version of the service read a new view"
            )
        wanted.setdefault((feature.input, feature.view), []).append(feature.feature)
    keys = {each.name: each.join_key for each in version.inputs}
    chosen = [
        known[view][names].with_name(f"{side}__{view}").with_join_key_map({keys[side]: side})
        for (side, view), names in wanted.items()
    ]
    return FeatureService(name=version.name, features=chosen, description=version.about)
