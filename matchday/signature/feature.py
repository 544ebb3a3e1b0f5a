"""Where the columns of a model's input come from: request inputs, feature views and features."""

from collections.abc import Sequence
from dataclasses import dataclass

from matchday.signature.checks import (
    SignatureError,
    check_choice,
    check_number,
    check_positive,
    check_size,
    check_text,
    sequence,
)

DATATYPES = ("BYTES", "INT64")
"""Of entity keys in requests: texts or whole numbers."""

DTYPES = ("float64", "float32", "int64")
"""Of features in the store."""

DAYS_SINCE = "days_since"


@dataclass(frozen=True)
class EntityInput:
    """A request input that names entities.

    name: the input, `home`. join_key: the Feast join key of its entity, `team`. datatype: how requests give the key,
    BYTES for text or INT64.
    """

    name: str
    join_key: str
    datatype: str = "BYTES"

    def __post_init__(self) -> None:
        """Raises SignatureError for a field that is not text and for an unknown datatype."""
        check_text("inputs.name", self.name)
        check_text(f"inputs.{self.name}.join_key", self.join_key)
        check_choice(f"inputs.{self.name}.datatype", self.datatype, DATATYPES)


@dataclass(frozen=True)
class NumberInput:
    """A request input that is a feature itself: a number that no store knows, one for each row.

    name: the input and the column, `home`. least, most: its bounds. about: what it says, for people.
    """

    name: str
    least: float
    most: float
    about: str

    def __post_init__(self) -> None:
        """Raises SignatureError for a field that is not text and for bounds that are no finite numbers in order."""
        for field in ("name", "about"):
            check_text(f"numbers.{field}", getattr(self, field))
        for field in ("least", "most"):
            check_number(f"numbers.{self.name}.{field}", getattr(self, field))
        if not self.least < self.most:
            raise SignatureError(f"numbers.{self.name}.least is {self.least!r}; a number below most is needed")


@dataclass(frozen=True)
class FurtherOutput:
    """An output tensor beside the forecast, FP32, that requests may ask for by name.

    name: `score_grid`. shape: of one row's numbers, (11, 11); () for one number. about: what they are, for people.
    """

    name: str
    shape: Sequence[int]
    about: str

    def __post_init__(self) -> None:
        """Raises SignatureError for a field that is not text and for a shape that is none."""
        for field in ("name", "about"):
            check_text(f"further.{field}", getattr(self, field))
        object.__setattr__(self, "shape", sequence("further.shape", self.shape))
        for size in self.shape:
            check_size(f"further.{self.name}.shape", size)


@dataclass(frozen=True)
class ViewRef:
    """A Feast feature view. ttl_seconds: age at which its rows are out of date, None for never."""

    name: str
    ttl_seconds: float | None = None

    def __post_init__(self) -> None:
        """Raises SignatureError for a name that is not text and a TTL that is not a positive number."""
        check_text("views.name", self.name)
        if self.ttl_seconds is not None:
            check_positive(f"views.{self.name}.ttl_seconds", self.ttl_seconds)


@dataclass(frozen=True)
class DaysSince:
    """Derived feature: days from the stored moment (Unix seconds) to the forecast's moment, from 0 to `at_most`."""

    at_most: float
    kind: str = DAYS_SINCE

    def __post_init__(self) -> None:
        """Raises SignatureError for another kind and for a limit that is not a positive number."""
        check_choice("features.derived.kind", self.kind, (DAYS_SINCE,))
        check_positive("features.derived.at_most", self.at_most)


@dataclass(frozen=True)
class FeatureRef:
    """One column of the model's input and where its value comes from.

    name: the column, `home_elo`. input: the request input that names its entity, `home`. view, feature: the Feast
    feature view and its field, `team_ratings` and `elo`. dtype: type in the store. derived: how the value is computed
    from the stored one; None when it is the stored one.
    """

    name: str
    input: str
    view: str
    feature: str
    dtype: str = "float64"
    derived: DaysSince | None = None

    def __post_init__(self) -> None:
        """Raises SignatureError for a field that is not text and for an unknown dtype."""
        for field in ("name", "input", "view", "feature"):
            check_text(f"features.{field}", getattr(self, field))
        check_choice(f"features.{self.name}.dtype", self.dtype, DTYPES)
