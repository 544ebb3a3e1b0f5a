"""The stand-in of this moment: `python -m tests.services.upstream PORT` serves the season under way to everybody.

It is the last bundled season, moved to now; the moment that is served is that of the start.
"""

import sys
import threading
from datetime import UTC, datetime

from console.demo.upstream.season import PastSeason
from console.demo.upstream.server import UpstreamServer
from matchday.collected.configured import season_of
from matchday.settings import Settings
from tests.services.upstream.redated import RedatedSnapshot

WARM = ("/api/bootstrap-static/", "/api/fixtures/")
"""Answers that take seconds to make the first time; nobody is let in before they are there."""


def serve(port: int, now: datetime) -> UpstreamServer:
    """A server of the season under way at a moment, on every address of this machine. Not started."""
    season = season_of(now)
    past = PastSeason(RedatedSnapshot(Settings().snapshot, season), season)
    server = UpstreamServer(past, now, address=("0.0.0.0", port))
    for path in WARM:
        server.answer(path, {})
    return server


if __name__ == "__main__":
    with serve(int(sys.argv[1]), datetime.now(UTC)) as running:
        print(f"season {running.season.season} at {running.now:%Y-%m-%d %H:%M} UTC", flush=True)
        threading.Event().wait()
