"""What the fantasy game's managers think of players."""

import pandera.pandas as pa
from pandera.typing.pandas import Series

from matchday.tables.table import SEASON, TEAM, Moment, Table


class PlayerMarket(Table):
    """One row for each player and gameweek that he has a match in. Key: player, event_time. Sorted by it.

    event_time: the gameweek's deadline, UTC, from which price and transfers are known; deadline: the same in Unix
    seconds. All of it is of that moment. team: his club then, no feature. matches: that he has in the gameweek.
    position_number: 0 goalkeeper, 1 defender, 2 midfielder, 3 forward. price: tenths of a million; price_change,
    week_price_change: since the player's first gameweek of the season, and since his last one. club_weeks: gameweeks in
    a row that he has had with his club.

    owned: share of squads that hold him (0 to 1). bought, sold: squads that did so before the deadline, as a share of
    all squads; net: their difference, last_net that of his gameweek before (0 without one). net_ratio, bought_ratio,
    sold_ratio: as multiples of owned + 0.0001, cut at 20; balance: bought as a share of bought and sold, 0.5 when
    nobody moved. owned_change: since his gameweek before; owned_growth: the same as a log ratio.

    price_rank, owned_rank: among the players of his club and position, 1 the highest; club_price_rank, club_owned_rank,
    bought_rank: among his club. owned_share, bought_share: of all that own, and buy, a player of his club and position.
    price_gap: to the dearest of them, at most 0. rivals_sold: sales of them all as a multiple of what owns them.
    club_bought: sum of bought over his club.

    defensive_points: mean points for defending in a match of 60 minutes, pulled towards his position's; 0 in seasons
    that give none. flag: what the game said of his fitness: 0 not known, 1 never flagged, 2 to 6 a chance to play of 0,
    25, 50, 75, 100 percent.
    """

    season: Series[str] = pa.Field(str_matches=SEASON)
    player: Series[int] = pa.Field(ne=0)
    event_time: Series[Moment]
    team: Series[str] = pa.Field(str_matches=TEAM)
    deadline: Series[int] = pa.Field(gt=0)
    gameweek: Series[int] = pa.Field(ge=1, le=38)
    matches: Series[int] = pa.Field(ge=1, le=5)
    position_number: Series[int] = pa.Field(ge=0, le=3)
    price: Series[int] = pa.Field(ge=1, le=300)
    price_change: Series[int]
    week_price_change: Series[int]
    club_weeks: Series[int] = pa.Field(ge=0)
    owned: Series[float] = pa.Field(ge=0, le=1)
    owned_change: Series[float] = pa.Field(ge=-1, le=1)
    owned_growth: Series[float]
    bought: Series[float] = pa.Field(ge=0)
    sold: Series[float] = pa.Field(ge=0)
    net: Series[float]
    last_net: Series[float]
    net_ratio: Series[float] = pa.Field(ge=-20, le=20)
    bought_ratio: Series[float] = pa.Field(ge=0, le=20)
    sold_ratio: Series[float] = pa.Field(ge=0, le=20)
    balance: Series[float] = pa.Field(ge=0, le=1)
    price_rank: Series[int] = pa.Field(ge=1)
    owned_rank: Series[int] = pa.Field(ge=1)
    bought_rank: Series[int] = pa.Field(ge=1)
    club_price_rank: Series[int] = pa.Field(ge=1)
    club_owned_rank: Series[int] = pa.Field(ge=1)
    owned_share: Series[float] = pa.Field(ge=0, le=1)
    bought_share: Series[float] = pa.Field(ge=0, le=1)
    rivals_sold: Series[float] = pa.Field(ge=0, le=20)
    club_bought: Series[float] = pa.Field(ge=0)
    price_gap: Series[int] = pa.Field(le=0)
    defensive_points: Series[float] = pa.Field(ge=0, le=10)
    flag: Series[int] = pa.Field(ge=0, le=6)

    class Config(Table.Config):
        unique = ["player", "event_time"]
