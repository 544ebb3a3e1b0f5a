"""Past seasons of the bundled history, each loaded once."""

from functools import cache

from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from tests.services.upstream.season import PastSeason

SNAPSHOT = Snapshot(REPOSITORY / "data")


@cache
def past_season(season: str) -> PastSeason:
    """A season as it went, nothing postponed."""
    return PastSeason(SNAPSHOT, season)
