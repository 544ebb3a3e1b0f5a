"""Feature views: their tables in the lake, what is in them, and how old it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pandera.pandas import DataFrameModel

from matchday.durations import DAY
from matchday.features import entities, tables
from matchday.features.services import version_of
from matchday.lake.reader import LakeReader
from matchday.tables import name


@dataclass(frozen=True)
class ViewSummary:
    """A version of a feature view, and its table in the lake. newest: event time of its latest row, None without."""

    name: str
    version: int
    entity: str
    ttl_seconds: float | None
    features: int
    rows: int
    newest: datetime | None

    def age(self, now: datetime) -> timedelta | None:
        """Since its latest row."""
        return now - self.newest if self.newest else None


def view_names() -> list[str]:
    """Names of the feature views."""
    return [name(table) for table in tables.TABLES]


def features_of(view: str) -> list[str]:
    """The features of a view."""
    return list(tables.features_of(table_of(view)))


def view_summary(reader: LakeReader, view: str) -> ViewSummary:
    """A view with what the lake has of it."""
    times = [row["event_time"] for row in reader.rows(view, columns=["event_time"])]
    ttl = entities.view(view).ttl_seconds
    features = len(features_of(view))
    return ViewSummary(view, version_of(view), entity_of(view), ttl, features, len(times), max(times, default=None))


def table_of(view: str) -> type[DataFrameModel]:
    """The table of a view."""
    return next(table for table in tables.TABLES if name(table) == view)


def entity_of(view: str) -> str:
    """The join key of a view's entity."""
    return tables.entity_of(table_of(view)).join_key


def days(seconds: float | None) -> str:
    """A TTL for people."""
    return "never" if seconds is None else f"{seconds / DAY:g} days"
