"""A row of features to be written, and the law that decides between two rows of one entity.

The later event time stays; of equal event times the higher revision; of equal revisions the greater `content`, byte by
byte. So the order in which rows are written does not matter, nor how often, nor by how many writers.

Of two derived rows the higher revision stays, whatever their event times: a result that was withdrawn takes the newest
row back to an earlier one.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from matchday.feast_layout.keys import Key, entity_key, field_name
from matchday.feast_layout.moments import to_micros
from matchday.feast_layout.values import Feature, encode_values

MOST_REVISION = 2**63 - 1


class FeatureRow(NamedTuple):
    """What one view knows of one entity. event_time: Unix seconds, exact to the microsecond.

    revision: decides between rows of one event time; 0 when unknown. values: feature -> value, all of the view's; an
    integer is stored as int64, a float as double, None and NaN as null. derived: made of all that is known as of the
    revision, so that between such rows the revision decides first.
    """

    view: str
    join_key: str
    key: Key
    event_time: float
    revision: int
    values: Mapping[str, Feature]
    derived: bool = False


class EncodedRow(NamedTuple):
    """A row in Feast's bytes. join_key: of a single one, None of several. entity: Feast's entity key."""

    view: str
    join_key: str | None
    entity: bytes
    micros: int
    revision: int
    values: Mapping[str, bytes]
    derived: bool = False


def encode(row: FeatureRow) -> EncodedRow:
    """The row in Feast's bytes. Raises ValueError and TypeError for what Feast cannot hold."""
    return EncodedRow(
        row.view,
        row.join_key,
        _entity_key(row.join_key, row.key),
        to_micros(row.event_time),
        checked_revision(row.revision),
        encode_values(row.values),
        row.derived,
    )


def checked_revision(revision: int) -> int:
    """The revision. Raises ValueError unless it is from 0 to 2**63 - 1."""
    if not 0 <= revision <= MOST_REVISION:
        raise ValueError(f"{revision} is no revision: from 0 to 2**63 - 1")
    return revision


class Fields(NamedTuple):
    """Features of a view in the order of their Redis fields, and these fields."""

    names: tuple[str, ...]
    fields: tuple[bytes, ...]


@lru_cache(1024)
def fields_of(view: str, names: tuple[str, ...]) -> Fields:
    """The features in the order in which `content` has them."""
    found = sorted((field_name(view, name), name) for name in names)
    return Fields(tuple(name for _, name in found), tuple(field for field, _ in found))


def content(view: str, values: Mapping[str, bytes]) -> bytes:
    """All values of a row as one text: what decides between rows of one event time and revision."""
    names, fields = fields_of(view, tuple(values))
    return b"".join(
        b"%b%d:%b" % (field, len(values[name]), values[name]) for field, name in zip(fields, names, strict=True)
    )


_entity_key = lru_cache(65_536)(entity_key)
