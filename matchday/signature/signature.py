"""The signature of a model and its JSON, the content of `signature.json` in a bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from matchday.signature import schema_1, schema_2
from matchday.signature.checks import (
    SignatureError,
    check_choice,
    check_items,
    check_names,
    check_some,
    check_text,
    check_time,
    sequence,
)
from matchday.signature.feature import DaysSince, EntityInput, FeatureRef, FurtherOutput, NumberInput, ViewRef

SCHEMA = 3
"""Version of the file's layout. Schemas 1 and 2 are upgraded when read; other versions are refused."""

RAW_INPUT = "features"
"""Name of the graph's input, and of the request input that gives the features themselves."""

ITEMS: Mapping[str, type] = {
    "inputs": EntityInput,
    "views": ViewRef,
    "features": FeatureRef,
    "numbers": NumberInput,
    "further": FurtherOutput,
}
NEEDED = ("inputs", "views", "features")
"""Of these a model has at least one."""


@dataclass(frozen=True)
class Signature:
    """All that a server must know to answer for a model.

    model: registered name. feature_service: the Feast service it was trained with. features: the first columns of the
    input tensor in order, read from the store. inputs: request inputs that name entities. views: the feature views that
    are read. fingerprint: of the training data. trained_until: ISO 8601 time; the model has seen nothing later. output:
    name of the output tensor. classes: columns of the output in order, empty for a regression. moment: the optional
    request input that says which moment a forecast is for; None when there is none, then forecasts are for the time of
    the request. distinct: inputs that must name different entities within a row. version: registered version, None
    until there is one. numbers: request inputs that are the last columns of the input tensor, in order. further: output
    tensors beside the forecast.
    """

    model: str
    feature_service: str
    features: Sequence[FeatureRef]
    inputs: Sequence[EntityInput]
    views: Sequence[ViewRef]
    fingerprint: str
    trained_until: str
    output: str
    classes: Sequence[str] = ()
    moment: str | None = None
    distinct: Sequence[str] = ()
    version: str | None = None
    numbers: Sequence[NumberInput] = ()
    further: Sequence[FurtherOutput] = ()

    def __post_init__(self) -> None:
        """Raises SignatureError, naming the field, for a value that is not valid."""
        for field in (*ITEMS, "classes", "distinct"):
            object.__setattr__(self, field, sequence(field, getattr(self, field)))
        for field in ("model", "feature_service", "fingerprint", "output"):
            check_text(field, getattr(self, field))
        if self.version is not None:
            check_text("version", self.version)
        for field in NEEDED:
            check_some(field, getattr(self, field))
        for field, kind in ITEMS.items():
            check_items(field, getattr(self, field), kind)
            check_names(field, [item.name for item in getattr(self, field)])
        check_names("classes", self.classes)
        check_time("trained_until", self.trained_until)
        check_names("output and further", [self.output, *(each.name for each in self.further)])
        self._check_inputs()
        self._check_features()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns of the input tensor, in order: `features`, then `numbers`."""
        return (*(each.name for each in self.features), *(each.name for each in self.numbers))

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `signature.json`."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The signature of a JSON object of schema 1, 2 or 3. Raises SignatureError, naming the field."""
        given = {**_current(value)}
        del given["schema"]
        _check_keys("the signature", given, cls)
        for field, kind in ITEMS.items():
            items = sequence(field, given[field])
            given[field] = [_read(f"{field}[{position}]", item, kind) for position, item in enumerate(items)]
        return cls(**given)

    def _check_inputs(self) -> None:
        names = [*(each.name for each in self.inputs), *(each.name for each in self.numbers)]
        if self.moment is not None:
            check_text("moment", self.moment)
            names.append(self.moment)
        check_names("inputs, numbers and moment", [*names, RAW_INPUT])
        check_names("features and numbers", self.columns)
        check_names("distinct", self.distinct)
        for name in self.distinct:
            check_choice("distinct", name, [each.name for each in self.inputs])

    def _check_features(self) -> None:
        join_keys = {each.name: each.join_key for each in self.inputs}
        views = {view.name: "" for view in self.views}
        for feature in self.features:
            check_choice(f"features.{feature.name}.input", feature.input, join_keys)
            check_choice(f"features.{feature.name}.view", feature.view, views)
            join_key = join_keys[feature.input]
            if views[feature.view] not in ("", join_key):
                raise SignatureError(
                    f"features.{feature.name}.input is of a {join_key}; other features of view {feature.view} are of a"
                    f" {views[feature.view]}"
                )
            views[feature.view] = join_key
        if unread := [view for view, join_key in views.items() if not join_key]:
            raise SignatureError(f"views names {', '.join(unread)}, of which no feature is read")


def _current(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON object in the current schema. Raises SignatureError for a schema that is not known."""
    schema = value.get("schema")
    if schema not in (1, 2, SCHEMA) or isinstance(schema, bool):
        raise SignatureError(
            f"schema is {schema!r}, and this release reads 1, 2 and {SCHEMA}: serve the bundle with the release that"
            " wrote it, or train the model again with this one"
        )
    if schema == 1:
        value = schema_1.upgrade(value)
    return value if schema == SCHEMA else schema_2.upgrade(value)


def _read(what: str, value: Any, kind: type) -> Any:
    if not isinstance(value, Mapping):
        raise SignatureError(f"{what} is {value!r}; an object is needed")
    _check_keys(what, value, kind)
    if value.get("derived") is not None:
        value = {**value, "derived": _read(f"{what}.derived", value["derived"], DaysSince)}
    return kind(**value)


def _check_keys(what: str, value: Mapping[str, Any], kind: type) -> None:
    known = {field.name for field in fields(kind)}
    if missing := sorted(known - set(value)):
        raise SignatureError(f"{what} lacks {', '.join(missing)}")
    if unknown := sorted(set(value) - known):
        raise SignatureError(f"{what} holds {', '.join(unknown)}, unknown in schema {SCHEMA}")
