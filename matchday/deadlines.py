"""Deadlines of the fantasy game: from when on prices, ownership and transfers of a gameweek are known."""

from datetime import timedelta

import pandas as pd

KNOWN_AT_THE_DEADLINE = ("value", "selected", "transfers_in", "transfers_out")
"""Columns of `Appearances` that are known from their gameweek's deadline on; the others are known after the match."""

BEFORE_KICKOFF = timedelta(minutes=90)
BEFORE_KICKOFF_UNTIL_1920 = timedelta(minutes=60)
LAST_WITH_AN_HOUR = "1920"


def deadlines(schedule: pd.DataFrame) -> pd.Series:
    """The deadline of each season and gameweek: index season, gameweek; UTC, by season and gameweek.

    schedule: rows of `Fixtures` or `Matches`; those without a gameweek have no deadline. An hour before the gameweek's
    first kick-off until 19/20, 90 minutes since: so in every gameweek of 17/18 to 25/26 but one, whose first match was
    called off after the deadline. There it comes out later than it was, never earlier.
    """
    first = schedule.dropna(subset=["gameweek"]).groupby(["season", "gameweek"])["kickoff"].min()
    early = first.index.get_level_values("season") > LAST_WITH_AN_HOUR
    before = pd.Series(BEFORE_KICKOFF, index=first.index).where(early, BEFORE_KICKOFF_UNTIL_1920)
    return (first - before).astype("datetime64[us, UTC]").rename("deadline")


def market_known_from(rows: pd.DataFrame, schedule: pd.DataFrame) -> pd.Series:
    """From which moment (UTC) each row's `KNOWN_AT_THE_DEADLINE` is known: its gameweek's deadline.

    rows: of `Appearances`, in any order; the result has their index. A row without a gameweek, or with one that the
    schedule does not have, is known from its kick-off. A forecast made before the moment must not use these columns,
    not even at midnight before it.
    """
    keys = pd.MultiIndex.from_frame(rows[["season", "gameweek"]])
    found = pd.Series(deadlines(schedule).reindex(keys).to_numpy(), index=rows.index)
    return pd.to_datetime(found, utc=True).astype("datetime64[us, UTC]").fillna(rows["kickoff"])


def hide_unknown_market(rows: pd.DataFrame, schedule: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The rows with null where `KNOWN_AT_THE_DEADLINE` was not known yet at a moment."""
    known = market_known_from(rows, schedule) <= as_of
    return rows.assign(**{name: rows[name].astype("Int64").where(known) for name in KNOWN_AT_THE_DEADLINE})
