"""What a source said of the season's rules, and since when it has been known."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.observed import Observed
from matchday.tables.table import Table


class ObservedRules(Observed):
    """Settings of the fantasy game. Key: source, season, name, known_at.

    name: `scoring.assists`, `scoring.goals_scored.DEF` where positions differ, `rules.squad_squadsize`, and
    `total_players`, the number of squads. value: JSON of a number, a text, true or false.
    """

    name: Series[str] = pa.Field(str_length={"min_value": 1})
    value: Series[str] = pa.Field(str_length={"min_value": 1})

    class Config(Table.Config):
        unique = ["source", "season", "name", "known_at"]
