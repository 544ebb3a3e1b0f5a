"""Every model of this project by its registered name."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from matchday.errors import MatchdayError
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.models.total_goals.kind import TOTAL_GOALS

KINDS: Mapping[str, ModelKind] = MappingProxyType(
    {kind.name: kind for kind in (MATCH_OUTCOME, TOTAL_GOALS, PLAYER_POINTS)}
)
"""Model kinds by name; the first is what commands take where no name is given."""


class UnknownModelError(MatchdayError):
    """A model name that is not in the catalogue."""


def model_kind(name: str) -> ModelKind:
    """The model of this name. Raises UnknownModelError, with the nearest names, when there is none."""
    if name in KINDS:
        return KINDS[name]
    near = get_close_matches(name.lower().replace("_", "-"), KINDS)
    known = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(KINDS)}"
    raise UnknownModelError(f"no model {name!r}; {known}")
