"""RequestMirror filter of a public route: copies of users' requests to a candidate, whose answers nobody gets.

Filters that lead to no predictor of the service, and those of other kinds, are of people and left as they are.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rollout.kubernetes.client import Object

KIND = "RequestMirror"
MIRRORED = "matchday.io/mirrored"
"""Annotation of the route: the copies that a rollout set last, to tell those that somebody else set."""
EVERY = 100


class Mirror(NamedTuple):
    """Copies to a Service. percent: of the requests."""

    name: str
    percent: int


def own_mirrors(rule: Object, service: str) -> list[Mirror]:
    """Copies that a rule makes for predictors of a service."""
    return [_mirror(each) for each in rule.get("filters") or [] if _is_own(each, service)]


def with_mirror(rule: Object, service: str, mirror: Mirror | None, port: int) -> Object:
    """A rule with these copies for predictors of the service, and no others. port: of their Services."""
    others = [each for each in rule.get("filters") or [] if not _is_own(each, service)]
    found = {name: value for name, value in rule.items() if name != "filters"}
    made = [_filter(mirror, port)] if mirror else []
    return {**found, "filters": [*others, *made]} if others or made else found


def to_text(mirror: Mirror | None) -> str:
    """Copies as text; empty for none."""
    return f"{mirror.name}={mirror.percent}" if mirror else ""


def last_mirror(route: Object) -> str | None:
    """The copies that a rollout set last, as text; None where none wrote any."""
    return (route["metadata"].get("annotations") or {}).get(MIRRORED)


def find_edit(found: Sequence[Sequence[Mirror]], ours: str | None) -> str:
    """What somebody else has made of the copies in the rules that a rollout splits; empty where nothing."""
    wanted = [ours] if ours else []
    edited = next((each for each in found if [to_text(one) for one in each] != wanted), None)
    if ours is None or edited is None:
        return ""
    shown = ", ".join(f"copies to {to_text(one)}" for one in edited) or "no copies"
    return f"{shown} in place of {f'copies to {ours}' if ours else 'none'}"


def _filter(mirror: Mirror, port: int) -> Object:
    """A filter without a percentage copies every request, on gateways that know none too."""
    share = {"percent": mirror.percent} if mirror.percent < EVERY else {}
    backend = {"group": "", "kind": "Service", "name": mirror.name, "port": port}
    return {"type": KIND, "requestMirror": {"backendRef": backend, **share}}


def _mirror(found: Object) -> Mirror:
    about = found["requestMirror"]
    fraction = about.get("fraction")
    percent = EVERY * fraction["numerator"] // fraction.get("denominator", EVERY) if fraction else EVERY
    return Mirror(str(about["backendRef"]["name"]), int(about.get("percent", percent)))


def _is_own(found: Object, service: str) -> bool:
    name = ((found.get("requestMirror") or {}).get("backendRef") or {}).get("name", "")
    return found.get("type") == KIND and name.startswith(f"{service}-") and name.endswith("-predictor")
