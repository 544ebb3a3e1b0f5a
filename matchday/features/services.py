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
from matchday.features.entities import PLAYER, TEAM
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

PLAYER_MARKET = (
    *("gameweek", "matches", "position_number", "price", "price_change", "week_price_change", "club_weeks"),
    *("owned", "owned_change", "owned_growth", "bought", "sold", "net", "last_net"),
    *("net_ratio", "bought_ratio", "sold_ratio", "balance"),
    *("price_rank", "owned_rank", "bought_rank", "club_price_rank", "club_owned_rank"),
    *("owned_share", "bought_share", "rivals_sold", "club_bought", "price_gap", "defensive_points", "flag"),
)
"""Columns of `player_market` but for the deadline."""
PLAYER_FORM = (
    *("matches", "season_matches", "missed", "minutes_1", "minutes_2", "minutes_3", "minutes_4"),
    *(f"{what}_{past}" for what in ("played", "full", "minutes") for past in ("short", "middle", "long")),
    *("season_minutes", "season_points", "last_season_minutes", "last_season_points", "nineties"),
    *("points_90", "goals_90", "assists_90", "bonus_90", "bps_90", "saves_90", "yellow_cards_90"),
    *("threat_90", "creativity_90", "xg_90", "xa_90", "full_points"),
)
"""Columns of `player_form`."""
WHOLE_NUMBERS = frozenset(
    {
        *("gameweek", "matches", "position_number", "price", "price_change", "week_price_change", "club_weeks"),
        *("price_rank", "owned_rank", "bought_rank", "club_price_rank", "club_owned_rank", "price_gap", "flag"),
        *("season_matches", "missed", "minutes_1", "minutes_2", "minutes_3", "minutes_4"),
    }
)
"""Columns of the views of players that are int64."""
LONGEST_AHEAD = 56.0
"""Days from a deadline to a kick-off beyond which a forecast is as for eight weeks."""


def _of_player(view: str, *names: str) -> tuple[FeatureRef, ...]:
    kinds = {name: "int64" if name in WHOLE_NUMBERS else "float64" for name in names}
    prefix = "gameweek_" if view == "player_market" else "ever_"
    return tuple(
        FeatureRef(f"{prefix}matches" if name == "matches" else name, "player", view, name, kind)
        for name, kind in kinds.items()
    )


PLAYER_POINTS_V1 = (
    *_of_player("player_market", *PLAYER_MARKET),
    FeatureRef("days_ahead", "player", "player_market", "deadline", "int64", DaysSince(LONGEST_AHEAD)),
    *_of_player("player_form", *PLAYER_FORM),
    *(FeatureRef(f"league_{name}", "team", "team_ratings", name) for name in ("level", "home_edge")),
    *_ratings("team", "attack", "defence"),
    FeatureRef("team_rest_days", "team", "team_form", "last_kickoff", "int64", DaysSince(LONGEST_REST)),
    *_ratings("opponent", "attack", "defence"),
)
"""All that is known of a player at his gameweek's deadline, of his club and of the other one."""

_TEAMS = (TEAM.named("home"), TEAM.named("away"))

PLAYER_POINTS = FeatureService(
    "player_points_v1",
    "Features of player-points.",
    (PLAYER.named("player"), TEAM.named("team"), TEAM.named("opponent")),
    PLAYER_POINTS_V1,
)

SERVICES: Mapping[str, FeatureService] = MappingProxyType(
    {
        service.name: service
        for service in (
            FeatureService("match_outcome_v1", "Features of match-outcome.", _TEAMS, MATCH_OUTCOME_V1),
            FeatureService("total_goals_v1", "Features of total-goals.", _TEAMS, TOTAL_GOALS_V1),
            PLAYER_POINTS,
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
