"""What goes into a model and what comes out: the content of `signature.json` in a bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from matchday.errors import MatchdayError

SCHEMA = 1
"""Version of the file's layout. A reader refuses any other."""

DTYPES = ("float64", "float32", "int64")
TRANSFORMS = (None, "days_before_kickoff")


class SignatureError(MatchdayError):
    """A signature that no model could have; the message names the field."""


@dataclass(frozen=True)
class FeatureRef:
    """One column of the model's input and where its value comes from.

    name: the column, `home_elo`. entity: the request input that keys it, `home`. view, feature: the Feast
    feature view and its field, `team_ratings` and `elo`. dtype: type in the store. transform: None, or
    `days_before_kickoff` for unix seconds that become days before the match.
    """

    name: str
    entity: str
    view: str
    feature: str
    dtype: str = "float64"
    transform: str | None = None

    def __post_init__(self) -> None:
        """Raises SignatureError for a field that is not text, an unknown dtype or an unknown transform."""
        for field in ("name", "entity", "view", "feature"):
            _check_text(f"features.{field}", getattr(self, field))
        _check_choice(f"features.{self.name}.dtype", self.dtype, DTYPES)
        _check_choice(f"features.{self.name}.transform", self.transform, TRANSFORMS)


@dataclass(frozen=True)
class Signature:
    """How to ask a model.

    model: registered name. version: registered version, None until there is one. feature_service: the Feast
    service it was trained with. features: columns of the `features` tensor in order. classes: columns of the
    output in order, empty for a regression. inputs: entity inputs of a request. output: name of the output
    tensor. fingerprint: of the training data. trained_until: ISO 8601 time; nothing later was seen.
    """

    model: str
    feature_service: str
    features: Sequence[FeatureRef]
    fingerprint: str
    trained_until: str
    version: str | None = None
    classes: Sequence[str] = ("H", "D", "A")
    inputs: Sequence[str] = ("home", "away")
    output: str = "probabilities"

    def __post_init__(self) -> None:
        """Raises SignatureError, naming the field, for a value no model could have."""
        for field in ("features", "classes", "inputs"):
            object.__setattr__(self, field, _sequence(field, getattr(self, field)))
        for field in ("model", "feature_service", "fingerprint", "output"):
            _check_text(field, getattr(self, field))
        if self.version is not None:
            _check_text("version", self.version)
        _check_names("classes", self.classes)
        _check_names("inputs", self.inputs)
        _check_features(self.features, self.inputs)
        _check_time("trained_until", self.trained_until)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `signature.json`."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Signature":
        """The signature of a JSON object. Raises SignatureError, naming the field."""
        if value.get("schema") != SCHEMA or isinstance(value.get("schema"), bool):
            raise SignatureError(f"schema is {value.get('schema')!r}; this version reads {SCHEMA}")
        rest = {key: item for key, item in value.items() if key != "schema"}
        _check_keys("the signature", rest, cls)
        items = _sequence("features", rest["features"])
        refs = tuple(_feature(position, item) for position, item in enumerate(items))
        return cls(**{**rest, "features": refs})


def _feature(position: int, value: Any) -> FeatureRef:
    if not isinstance(value, Mapping):
        raise SignatureError(f"features[{position}] is {value!r}; an object is needed")
    _check_keys(f"features[{position}]", value, FeatureRef)
    return FeatureRef(**value)


def _check_keys(what: str, value: Mapping[str, Any], model: type) -> None:
    known = {field.name for field in fields(model)}
    if missing := sorted(known - set(value)):
        raise SignatureError(f"{what} lacks {', '.join(missing)}")
    if unknown := sorted(set(value) - known):
        raise SignatureError(f"{what} holds {', '.join(unknown)}, unknown in schema {SCHEMA}")


def _sequence(field: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise SignatureError(f"{field} is {value!r}; a list is needed")
    return tuple(value)


def _check_text(field: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise SignatureError(f"{field} is {value!r}; text is needed")


def _check_choice(field: str, value: Any, choices: Sequence[str | None]) -> None:
    if value not in choices:
        raise SignatureError(f"{field} is {value!r}; known are {', '.join(map(repr, choices))}")


def _check_names(field: str, names: Sequence[str]) -> None:
    for name in names:
        _check_text(field, name)
    if len(set(names)) != len(names):
        raise SignatureError(f"{field} names one twice: {', '.join(names)}")


def _check_features(features: Sequence[FeatureRef], inputs: Sequence[str]) -> None:
    if not features:
        raise SignatureError("features is empty; a model needs at least one")
    for position, feature in enumerate(features):
        if not isinstance(feature, FeatureRef):
            raise SignatureError(f"features[{position}] is {feature!r}; a FeatureRef is needed")
        _check_choice(f"features.{feature.name}.entity", feature.entity, inputs)
    _check_names("features", [feature.name for feature in features])


def _check_time(field: str, value: Any) -> None:
    _check_text(field, value)
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise SignatureError(f"{field} is {value!r}; an ISO 8601 time is needed") from error
