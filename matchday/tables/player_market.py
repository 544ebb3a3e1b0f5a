"""What the fantasy game's managers think of players."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Moment, Table


class PlayerMarket(Table):
    """One row for each player, gameweek and club that he has a match with. Key: player, event_time, team.

    Sorted by it. event_time: the gameweek's deadline, UTC, from which price and transfers are known. All of it is of
    that moment. price: tenths of a million; price_change, week_price_change: since the player's first gameweek of the
    season, and since his last one.

    owned: share of squads that hold him (0 to 1). bought, sold: squads that did so before the deadline, as a share of
    all squads; net: their difference, last_net that of his gameweek before (0 without one). net_ratio, bought_ratio:
    net and bought as multiples of owned + 0.0001, cut at 20; balance: bought as a share of bought and sold, 0.5 when
    nobody moved. owned_change: since his gameweek before.

    price_rank, owned_rank: among the players of his club and position, 1 the highest; bought_rank: among his club.
    owned_share: of all that own a player of his club and position. price_gap: to the dearest of them, at most 0.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    gameweek: Series[int] = pa.Field(ge=1, le=38)
    player: Series[int] = pa.Field(ne=0)
    team: Series[str] = pa.Field(str_matches=TEAM)
    event_time: Series[Moment]
    price: Series[int] = pa.Field(ge=1, le=300)
    price_change: Series[int]
    week_price_change: Series[int]
    owned: Series[float] = pa.Field(ge=0, le=1)
    owned_change: Series[float] = pa.Field(ge=-1, le=1)
    bought: Series[float] = pa.Field(ge=0)
    sold: Series[float] = pa.Field(ge=0)
    net: Series[float]
    last_net: Series[float]
    net_ratio: Series[float] = pa.Field(ge=-20, le=20)
    bought_ratio: Series[float] = pa.Field(ge=0, le=20)
    balance: Series[float] = pa.Field(ge=0, le=1)
    price_rank: Series[int] = pa.Field(ge=1)
    owned_rank: Series[int] = pa.Field(ge=1)
    bought_rank: Series[int] = pa.Field(ge=1)
    owned_share: Series[float] = pa.Field(ge=0, le=1)
    price_gap: Series[int] = pa.Field(le=0)

    class Config(Table.Config):
        unique = ["player", "event_time", "team"]
