"""What differs between two definitions of a feature service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHOWN = 5
"""Names that a sentence lists at most."""

Definition = Mapping[str, Any]
"""A feature service as `matchday.features.published.describe` gives it."""


@dataclass(frozen=True)
class Change:
    """One property of a feature, input or view in the two definitions, such as `dtype`; None where it has none."""

    of: str
    what: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.of}: {self.what} {_text(self.before)}, now {_text(self.after)}"


@dataclass(frozen=True)
class Difference:
    """What differs. added, removed: columns. changed: of columns that both have, of inputs and views, and the order.

    values: columns whose values on the pinned slice differ. unknown_values: columns of both whose values cannot be
    compared, as one of the two has none.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()
    values: tuple[str, ...] = ()
    unknown_values: tuple[str, ...] = field(default=(), compare=False)

    @property
    def empty(self) -> bool:
        """Whether nothing differs that is known."""
        return self == Difference()

    def __str__(self) -> str:
        parts = [
            _count("adds", self.added),
            _count("lacks", self.removed),
            _count("changes", list(map(str, self.changed)), "; "),
            _count("has other values of", self.values),
        ]
        return ", ".join(filter(None, parts)) or "is the same"


def compare(
    before: Definition,
    after: Definition,
    values_before: Mapping[str, str] | None = None,
    values_after: Mapping[str, str] | None = None,
) -> Difference:
    """The difference of two definitions. values_before, values_after: fingerprints of their values by column."""
    old, new = _columns(before), _columns(after)
    both = [name for name in old if name in new]
    changed = [change for name in both for change in _changes(name, old[name], new[name])]
    if (order := [name for name in new if name in old]) != both:
        first = next(place for place, (name, now) in enumerate(zip(both, order, strict=True)) if name != now)
        changed.append(Change("order of columns", f"at {first + 1}", both[first], order[first]))
    for name in dict.fromkeys((*before["inputs"], *after["inputs"])):
        changed += _changes(f"input {name}", before["inputs"].get(name, {}), after["inputs"].get(name, {}))
    for name in sorted(before["views"].keys() & after["views"].keys()):
        changed += _changes(f"view {name}", before["views"][name], after["views"][name])
    first_values, second_values = values_before or {}, values_after or {}
    known = [name for name in both if name in first_values and name in second_values]
    return Difference(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(changed),
        values=tuple(name for name in known if first_values[name] != second_values[name]),
        unknown_values=tuple(name for name in both if name not in known),
    )


def _columns(definition: Definition) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in definition["features"]}


def _changes(of: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    names = dict.fromkeys((*before, *after))
    return [
        Change(of, what, before.get(what), after.get(what)) for what in names if before.get(what) != after.get(what)
    ]


def _count(verb: str, names: list[str] | tuple[str, ...], between: str = ", ") -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{verb} {between.join(names[:SHOWN])}{more}" if names else ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={each}" for name, each in value.items())
    return "none" if value is None else str(value)
