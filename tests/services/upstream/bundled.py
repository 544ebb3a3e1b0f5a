"""Past seasons of the bundled history, each loaded once."""

from functools import cache

from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Players
from tests.services.upstream.season import PastSeason

SEMENYO = 437730
SNAPSHOT = Snapshot(REPOSITORY / "data")


@cache
def past_season(season: str) -> PastSeason:
    """A season as it went, nothing postponed."""
    return PastSeason(SNAPSHOT, season)


@cache
def small_season(season: str) -> PastSeason:
    """The same with all matches and every twentieth player, and Antoine Semenyo, who changed his club in 25/26."""
    players = SNAPSHOT.load(Players, [season])["player"]
    return PastSeason(SNAPSHOT, season, players=[*players[::20], SEMENYO])
