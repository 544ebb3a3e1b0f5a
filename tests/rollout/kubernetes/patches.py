"""Patches of Kubernetes objects, as its API applies them."""

import copy
from typing import Any


def apply_merge_patch(before: Any, change: Any) -> Any:
    """The object after a JSON merge patch (RFC 7386): lists are replaced whole."""
    if not isinstance(before, dict) or not isinstance(change, dict):
        return copy.deepcopy(change)
    after = copy.deepcopy(before)
    for key, value in change.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = apply_merge_patch(before.get(key), value)
    return after


def drop_unapplied(thing: Any, owned: Any, wanted: Any) -> Any:
    """The object without the fields that its manager applied before and has left out now."""
    if not isinstance(owned, dict):
        return thing
    after = copy.deepcopy(thing)
    for key, value in owned.items():
        if key not in wanted:
            if isinstance(value, dict) and isinstance(after.get(key), dict) and set(after[key]) - set(value):
                after[key] = drop_unapplied(after[key], value, {})
            else:
                after.pop(key, None)
        elif isinstance(value, dict):
            after[key] = drop_unapplied(after.get(key, {}), value, wanted[key])
    return after
