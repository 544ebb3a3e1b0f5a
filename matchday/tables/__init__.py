"""The tables that cross a boundary. Reading and writing go through their schemas."""

from matchday.tables.appearances import Appearances
from matchday.tables.availability import Availability
from matchday.tables.error import TableError
from matchday.tables.fixtures import Fixtures
from matchday.tables.goals_features import GoalsFeatures
from matchday.tables.matches import Matches
from matchday.tables.merge import merge
from matchday.tables.outcome_features import OutcomeFeatures
from matchday.tables.players import Players
from matchday.tables.table import Table, columns, key, name, order
from matchday.tables.team_form import TeamForm
from matchday.tables.team_ratings import TeamRatings
from matchday.tables.teams import Teams
from matchday.tables.validation import validate

__all__ = [
    "Appearances",
    "Availability",
    "Fixtures",
    "GoalsFeatures",
    "Matches",
    "OutcomeFeatures",
    "Players",
    "Table",
    "TableError",
    "TeamForm",
    "TeamRatings",
    "Teams",
    "columns",
    "key",
    "merge",
    "name",
    "order",
    "validate",
]
