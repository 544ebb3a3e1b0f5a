"""The tables that cross a boundary. Reading and writing go through their schemas.

Each is imported when it is first asked for: pandera takes most of a second, and readers of stored rows need none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matchday.tables.appearances import Appearances
    from matchday.tables.availability import Availability
    from matchday.tables.error import TableError
    from matchday.tables.fixtures import Fixtures
    from matchday.tables.forecasts import Forecasts
    from matchday.tables.goals_features import GoalsFeatures
    from matchday.tables.matches import Matches
    from matchday.tables.merging import merge
    from matchday.tables.outcome_features import OutcomeFeatures
    from matchday.tables.players import Players
    from matchday.tables.table import Table, columns, key, name, order
    from matchday.tables.team_form import TeamForm
    from matchday.tables.team_ratings import TeamRatings
    from matchday.tables.team_strength import TeamStrength
    from matchday.tables.teams import Teams
    from matchday.tables.validation import validate
else:
    HOMES = {
        "Appearances": "appearances",
        "Availability": "availability",
        "Fixtures": "fixtures",
        "Forecasts": "forecasts",
        "GoalsFeatures": "goals_features",
        "Matches": "matches",
        "OutcomeFeatures": "outcome_features",
        "Players": "players",
        "Table": "table",
        "TableError": "error",
        "TeamForm": "team_form",
        "TeamRatings": "team_ratings",
        "TeamStrength": "team_strength",
        "Teams": "teams",
        "columns": "table",
        "key": "table",
        "merge": "merging",
        "name": "table",
        "order": "table",
        "validate": "validation",
    }

    def __getattr__(name: str) -> object:
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)


__all__ = [
    "Appearances",
    "Availability",
    "Fixtures",
    "Forecasts",
    "GoalsFeatures",
    "Matches",
    "OutcomeFeatures",
    "Players",
    "Table",
    "TableError",
    "TeamForm",
    "TeamRatings",
    "TeamStrength",
    "Teams",
    "columns",
    "key",
    "merge",
    "name",
    "order",
    "validate",
]
