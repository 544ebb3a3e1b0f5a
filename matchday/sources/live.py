"""The live sources: names, addresses, and how often each may be asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LiveSource:
    """A source that is asked over HTTP. token_header: carries its token; empty: it takes none."""

    name: str
    url: str
    pace_seconds: float
    token_header: str = ""


FPL = LiveSource("fpl", "https://fantasy.premierleague.com/api", 0.2)
FOOTBALL_DATA_ORG = LiveSource("football_data_org", "https://api.football-data.org", 6.0, "x-auth-token")
FOOTBALL_DATA_UK = LiveSource("football_data_uk", "https://www.football-data.co.uk", 1.0)

LIVE_SOURCES = {one.name: one for one in (FPL, FOOTBALL_DATA_ORG, FOOTBALL_DATA_UK)}
"""By name, the most believed first."""
