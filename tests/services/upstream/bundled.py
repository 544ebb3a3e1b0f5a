"""Past seasons of the bundled history, each loaded once."""

from functools import cache

from console.demo.upstream.season import PastSeason
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Players

SEMENYO = 437730
"""Antoine Semenyo, who went from Bournemouth to Manchester City in January 2026."""

SNAPSHOT = Snapshot(REPOSITORY / "data")


@cache
def past_season(season: str) -> PastSeason:
    """A season as it went, nothing postponed."""
    return PastSeason(SNAPSHOT, season)


@cache
def small_season(season: str) -> PastSeason:
    """The same with all matches, every twentieth player, and those who changed their club within the season."""
    players = SNAPSHOT.load(Players, [season])["player"]
    clubs = SNAPSHOT.load(Appearances, [season]).groupby("player")["team"].nunique()
    return PastSeason(SNAPSHOT, season, players=[*players[::20], *clubs[clubs > 1].index])


@cache
def scoring_season(season: str) -> PastSeason:
    """The same with all matches, those players who make the scores, and those who changed their club."""
    rows = SNAPSHOT.load(Appearances, [season])
    clubs = rows.groupby("player")["team"].nunique()
    scorers = rows.loc[(rows["goals"] > 0) | (rows["own_goals"] > 0), "player"]
    return PastSeason(SNAPSHOT, season, players={*scorers, *clubs[clubs > 1].index})
