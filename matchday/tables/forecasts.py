"""Recorded forecasts."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.schedule import Schedule
from matchday.tables.table import MATCH_ID, SEASON, TEAM, Moment, Table


class Forecasts(Schedule):
    """The forecast of each match by each version of a model. Key: model, version, match_id.

    kickoff: as it was known when the forecast was made, UTC; from then on the row is locked. made_at: when it was made,
    before kickoff. home_win, draw, away_win: probabilities with six decimals. batch: SHA-256 of the batch that the row
    belongs to, whose content is kept below `forecast_batches/`.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    match_id: Series[str] = pa.Field(str_matches=MATCH_ID)
    gameweek: Series[pd.Int64Dtype] = pa.Field(ge=1, le=38, nullable=True)
    kickoff: Series[Moment]
    home: Series[str] = pa.Field(str_matches=TEAM)
    away: Series[str] = pa.Field(str_matches=TEAM)
    model: Series[str] = pa.Field(str_length={"min_value": 1})
    version: Series[str] = pa.Field(str_matches=r"^\d+$")
    made_at: Series[Moment]
    home_win: Series[float] = pa.Field(ge=0, le=1)
    draw: Series[float] = pa.Field(ge=0, le=1)
    away_win: Series[float] = pa.Field(ge=0, le=1)
    batch: Series[str] = pa.Field(str_matches=r"^[0-9a-f]{64}$")

    class Config(Table.Config):
        unique = ["model", "version", "match_id"]
        metadata = {"sorted_by": ["kickoff", "match_id", "model", "version"]}

    @pa.dataframe_check(error="made_at is before kickoff")
    def made_before_kickoff(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["made_at"] < rows["kickoff"]

    @pa.dataframe_check(error="the probabilities of a match add up to 1")
    def sums_to_one(cls, rows: pd.DataFrame) -> pd.Series:
        return (rows[["home_win", "draw", "away_win"]].sum(axis=1) - 1).abs() < 1e-5
