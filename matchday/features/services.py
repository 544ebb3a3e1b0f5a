"""Feature services: the columns of each one's feature vector, in order.

Needs no pandas, since the catalogue of models imports it. `feature_repo.definitions` makes Feast's services of these,
and a bundle's signature repeats them. A published service never changes: a change is a new version beside it
(`matchday.features.published`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from matchday.errors import MatchdayError
from matchday.features.entities import TEAM
from matchday.features.rest import LONGEST_REST
from matchday.ratings.form import Performance
from matchday.signature import DaysSince, EntityInput, FeatureRef

_VERSION = re.compile(r"_v(\d+)$")


class UnknownServiceError(MatchdayError):
    """A name that no feature service has."""


@dataclass(frozen=True)
class FeatureService:
    """One version of a feature service, which models are trained and served with.

    name: ends with its version, `match_outcome_v1`. inputs: of a request, which name the entities. features: columns of
    the vector in order.
    """

    name: str
    about: str
    inputs: tuple[EntityInput, ...]
    features: tuple[FeatureRef, ...]

    @property
    def views(self) -> tuple[str, ...]:
        """The feature views that it reads."""
        return tuple(dict.fromkeys(feature.view for feature in self.features))


def version_of(name: str) -> int:
    """The version that a service or view has in its name: 2 of `team_form_v2`, 1 without one."""
    found = _VERSION.search(name)
    return int(found[1]) if found else 1


SPANS = (5, 10)
"""Lengths of form, in matches."""
FORM = tuple(f"{name}_{span}" for span in SPANS for name in Performance.__dataclass_fields__)
"""Columns of `team_form` but for the last kick-off."""
TEAM_RATINGS = ("elo", "attack", "defence")
"""Columns of `team_ratings` that differ between teams."""
LEAGUE_RATINGS = ("level", "home_edge", "low_score")
"""Columns of `team_ratings` that are the same for all teams; read from the home team's row."""


def _league(*names: str) -> tuple[FeatureRef, ...]:
    return tuple(FeatureRef(f"league_{name}", "home", "team_ratings", name) for name in names)


def _ratings(side: str, *names: str) -> tuple[FeatureRef, ...]:
    return tuple(FeatureRef(f"{side}_{name}", side, "team_ratings", name) for name in names)


def _strength(side: str, *names: str, prefix: str = "") -> tuple[FeatureRef, ...]:
    return tuple(FeatureRef(f"{prefix or side}_{name}", side, "team_strength", name) for name in names)


def _form_and_rest(side: str) -> tuple[FeatureRef, ...]:
    form = tuple(FeatureRef(f"{side}_{name}", side, "team_form", name) for name in FORM)
    rest = FeatureRef(f"{side}_rest_days", side, "team_form", "last_kickoff", "int64", DaysSince(LONGEST_REST))
    return (*form, rest)


MATCH_OUTCOME_V1 = (
    *_league(*LEAGUE_RATINGS),
    *_ratings("home", *TEAM_RATINGS),
    *_form_and_rest("home"),
    *_ratings("away", *TEAM_RATINGS),
    *_form_and_rest("away"),
)
"""All that is known of both teams of a match."""

TEAM_STRENGTH = ("attack", "defence", "settled")
"""Columns of `team_strength` that differ between teams; `level` and `home_edge` are read from the home team's row."""

MATCH_OUTCOME_V2 = (
    *_strength("home", "level", "home_edge", prefix="league"),
    *_strength("home", *TEAM_STRENGTH),
    *_strength("away", *TEAM_STRENGTH),
)
"""What the goals of both teams of a match are made of, and whether a team has nothing left to play for."""

TOTAL_GOALS_V1 = (
    *_league("level", "home_edge"),
    *_ratings("home", "attack", "defence"),
    *_ratings("away", "attack", "defence"),
)
"""What the expected goals of a match are made of."""

_TEAMS = (TEAM.named("home"), TEAM.named("away"))

SERVICES: Mapping[str, FeatureService] = MappingProxyType(
    {
        service.name: service
        for service in (
            FeatureService("match_outcome_v1", "Form and ratings of both teams.", _TEAMS, MATCH_OUTCOME_V1),
            FeatureService("match_outcome_v2", "Features of match-outcome.", _TEAMS, MATCH_OUTCOME_V2),
            FeatureService("total_goals_v1", "Features of total-goals.", _TEAMS, TOTAL_GOALS_V1),
        )
    }
)
"""Every version that a model may be served with. All of them are in the online store, side by side."""


def feature_service(name: str) -> FeatureService:
    """The feature service of this name. Raises UnknownServiceError, with the nearest names, when there is none."""
    if name in SERVICES:
        return SERVICES[name]
    near = get_close_matches(name.lower().replace("-", "_"), SERVICES)
    known = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(SERVICES)}"
    raise UnknownServiceError(f"no feature service {name!r}; {known}")
