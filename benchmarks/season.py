"""The season under way, against the stand-in of the upstreams: updates, features, forecasts. `make bench-season`.

The stand-in runs in a process of its own and renders its answers before the clock starts. Every machine here has the
bundled history up to 2024/25 and lives in 2025/26.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from benchmarks.report import Measure, report
from console.demo.upstream.season import PastSeason
from console.demo.upstream.server import TOKEN, UpstreamServer
from feature_repo.materialise import materialise
from matchday import history
from matchday.collected.configured import SourceSettings
from matchday.collected.configured_update import update_place
from matchday.collected.settled import Place
from matchday.features import tables as features
from matchday.lake import Lake
from matchday.settings import REPOSITORY, Settings
from matchday.sources.snapshot import TABLES, Snapshot, write

SEASON, GAMEWEEK = "2526", 13
TIMES = 5
IMPORTS = "import sys; from datetime import datetime; from console.cli import main; from console.operations import data"
"""The season is past: a program that says another time to `matchday data update` than this machine's clock does."""

MEBIBYTE = 2**20


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder, stand_in() as upstream:
        bundled = write_history(Path(folder) / "data")
        machine = Machine(Path(folder) / "home", bundled, upstream)
        report("season", [*machine.measure_updates(), *machine.measure_next(), *whole_season(folder, upstream)])


def write_history(folder: Path) -> Path:
    """The bundled history without the season that is lived through."""
    whole = Snapshot(REPOSITORY / "data")
    frames = {table: whole.load(table) for table in TABLES}
    write(folder, {table: rows[rows["season"] < SEASON].reset_index(drop=True) for table, rows in frames.items()})
    return folder


class StandIn:
    """The stand-in in its process. url: its address."""

    def __init__(self, connection: Connection, past: PastSeason) -> None:
        self._connection = connection
        self.past, self.url = past, str(connection.recv())

    def live_at(self, moment: datetime) -> None:
        """Serve an instant, its answers rendered, and count requests from now on."""
        self._connection.send(moment)
        self._connection.recv()

    def requests(self) -> int:
        """How many requests came since `live_at`."""
        self._connection.send(None)
        return int(self._connection.recv())


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """The stand-in with every player of the season, until the block ends."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(there,))
    process.start()
    try:
        yield StandIn(here, PastSeason(Snapshot(REPOSITORY / "data"), SEASON))
    finally:
        here.send("end")
        process.join()


def serve(connection: Connection) -> None:
    """Serve the instants that come, None asks for the count of requests, a text ends it."""
    past = PastSeason(Snapshot(REPOSITORY / "data"), SEASON)
    with UpstreamServer(past) as server:
        connection.send(server.url)
        while not isinstance(wish := connection.recv(), str):
            if wish is None:
                connection.send(len(server.requests))
                continue
            server._bodies.clear()
            server.now = wish
            weeks = [f"/api/event/{max(1, past.last_deadline(wish) - back)}/live/" for back in (0, 1)]
            for path in ("/api/bootstrap-static/", "/api/fixtures/", *weeks, f"/mmz4281/{SEASON}/E0.csv", WITNESS):
                server.answer(path, {"x-auth-token": TOKEN})
            server.requests.clear()
            connection.send("rendered")


WITNESS = f"/v4/competitions/PL/matches?season=20{SEASON[:2]}"


class Machine:
    """A machine that lives in the season."""

    def __init__(self, home: Path, bundled: Path, upstream: StandIn) -> None:
        self.settings = Settings(home=home, snapshot=bundled, MATCHDAY_LAKE=None, MATCHDAY_ONLINE_STORE=None)
        self.settings.make_home()
        self.lake, self.snapshot, self._upstream = Lake(self.settings.lake), Snapshot(bundled), upstream
        self._environ = {
            **os.environ,
            "MATCHDAY_HOME": str(home),
            "MATCHDAY_SNAPSHOT": str(bundled),
            "MATCHDAY_SOURCES": "fpl,football_data_org,football_data_uk",
            "MATCHDAY_FPL_URL": f"{upstream.url}/api",
            "MATCHDAY_FOOTBALL_DATA_UK_URL": upstream.url,
            "MATCHDAY_FOOTBALL_DATA_ORG_URL": upstream.url,
            "MATCHDAY_FOOTBALL_DATA_TOKEN": TOKEN,
        }

    def measure_updates(self) -> list[Measure]:
        """An update when nothing is new, by command; and one after a gameweek, to the online store."""
        before = self._upstream.past.deadlines[GAMEWEEK] - timedelta(hours=1)
        self._upstream.live_at(before)
        self.update(before)
        self.fill_store(before)
        moments = [before + timedelta(minutes=number) for number in range(2 + TIMES)]
        first, *times = [self.command(moment, "data", "update") for moment in moments[1:]]
        self._upstream.live_at(before)
        self.command(before + timedelta(minutes=TIMES + 2), "data", "update")
        requests = self._upstream.requests()
        after = max(m.kickoff for m in self._upstream.past.matches if m.gameweek == GAMEWEEK) + timedelta(hours=6)
        self._upstream.live_at(after)
        started = time.monotonic()
        self.update(after, wait=True)
        self.fill_store(after)
        seconds = time.monotonic() - started
        return [
            Measure("update when nothing is new", median(times), "s", "<= 2"),
            Measure("update when nothing is new, the first after news", first, "s"),
            Measure("update when nothing is new, requests", requests, "requests", "<= 5"),
            Measure("update after a gameweek, features, online store", seconds, "s", "<= 12"),
        ]

    def measure_next(self) -> list[Measure]:
        """`matchday forecast next` on a day when its forecasts are recorded already."""
        moment = self._upstream.past.deadlines[GAMEWEEK] + timedelta(days=4)
        clock = f"datetime.fromisoformat({moment.isoformat()!r})"
        train = f"from console.operations.training import train; train('match-outcome', {clock}, print)"
        self._run(f"from datetime import datetime; {train}")
        program = (
            "import sys; from datetime import datetime; from console.cli import main; "
            f"from console.operations import coming_forecasts; coming_forecasts.read_clock = lambda: {clock}; "
            "sys.argv = ['matchday', 'forecast', 'next']; main()"
        )
        self._run(program)
        times = [self._run(program) for _ in range(TIMES)]
        return [Measure("matchday forecast next, warm store", median(times), "s", "<= 1.5")]

    def update(self, moment: datetime, *, wait: bool = False) -> None:
        """Update in this process. wait: between requests, as an update of a person does."""
        url = self._upstream.url
        sources = SourceSettings(
            sources=self._environ["MATCHDAY_SOURCES"],
            fpl_url=f"{url}/api",
            football_data_uk_url=url,
            football_data_org_url=url,
            football_data_token=TOKEN,
        )
        place = Place(self.settings.collected, self.settings.lake, self.settings.snapshot)
        found = update_place(place, sources, lambda: moment, time.sleep if wait else lambda _: None)
        if found.failed:
            raise RuntimeError(found.failed[0].error)

    def fill_store(self, moment: datetime) -> None:
        """Features of what is in the lake, and the online store as of a moment."""
        taken = history.ingest(self.snapshot, self.lake)
        built = features.build(self.lake, taken.history)
        materialise(self.settings, self.lake, built.features, moment)

    def command(self, moment: datetime, *arguments: str) -> float:
        """Seconds that a command of `matchday` takes on a machine whose clock says the moment."""
        clock = f"data._now = lambda: datetime.fromisoformat({moment.isoformat()!r})"
        return self._run(f"{IMPORTS}; {clock}; sys.argv = ['matchday', *{arguments!r}]; main()")

    def _run(self, program: str) -> float:
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", program], env=self._environ, stdout=sys.stderr, check=True)
        return time.monotonic() - started


def whole_season(folder: str, upstream: StandIn) -> list[Measure]:
    """A day after the other, from an empty lake to the end. The time of the stand-in's rendering does not count."""
    machine = Machine(Path(folder) / "season", Path(folder) / "data", upstream)
    first = upstream.past.start.replace(hour=11, minute=0)
    days = [first + timedelta(days=number) for number in range((upstream.past.end - first).days + 1)]
    seconds, sizes = 0.0, []
    for moment in days:
        if moment.day == 1:
            print(f"bench season: {moment:%B %Y}, after {seconds:.0f} s of updates", file=sys.stderr)
        upstream.live_at(moment)
        started = time.monotonic()
        machine.update(moment)
        seconds += time.monotonic() - started
        sizes.append(resident() / MEBIBYTE)
    half = max(sizes[: len(sizes) // 2])
    return [
        Measure("the whole season of daily updates", seconds / 60, "min", "<= 6"),
        Measure("the whole season of daily updates, days", len(days), "days"),
        Measure("the whole season of daily updates, most memory", max(sizes), "MiB"),
        Measure("most memory of the second half beside the first", max(sizes) / half, "times", "<= 1.2"),
    ]


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
