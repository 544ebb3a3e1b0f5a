"""Feature services: the columns of each one's feature vector, in order.

Needs no pandas, since the catalogue of models imports it. `feature_repo.definitions` makes Feast's services of these,
and a bundle's signature repeats them.
"""

from matchday.features.rest import LONGEST_REST
from matchday.ratings.form import Performance
from matchday.signature import DaysSince, FeatureRef

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

TOTAL_GOALS_V1 = (
    *_league("level", "home_edge"),
    *_ratings("home", "attack", "defence"),
    *_ratings("away", "attack", "defence"),
)
"""What the expected goals of a match are made of."""
