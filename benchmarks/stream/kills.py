"""`python -m benchmarks.stream.kills`, or `make bench-stream-kills`: the processor is killed until it should err.

A round is a disturbed season (`workload.disturbed_events`) on a Kafka, a Redis and a lake of its own. It arrives in
slices; a processor starts for each slice and is ended by SIGKILL at a random point: most while they work, the others
while they start and join their group. The last one lives until all is handled. Then every online and every appended
value is compared with the batch path, which is made from the tables and not from events.
"""

import argparse
import asyncio
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import RESULTS, Measure, report
from benchmarks.serving.error import BenchError
from benchmarks.serving.process import stop_when_told, tail
from benchmarks.stream.lives import Lives, lives, runs
from benchmarks.stream.runs import LONGEST_SECONDS, Place, place
from benchmarks.stream.workload import Senders, all_seasons, batch_rows, disturbed_events
from feature_repo.stream.comparison import TABLES, StreamComparison, columns_of, compare
from matchday.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "stream-kills.md"

KILLS, OF_ROUND = 1_000, 50
"""Kills by default, and in one round."""

AT_ONCE = 3
"""Rounds that run side by side: most of a kill's time is the group's wait for the member that is gone."""

WORKING = 0.75
"""Share of processors that are killed once they have kept something; the others since they were started."""

WORK_SECONDS, START_SECONDS = 0.4, 1.2
"""Longest random wait before a kill, of a processor that works, and of one that was only started."""

SETTINGS = {
    "MATCHDAY_STREAM_SESSION_SECONDS": "0.5",
    "MATCHDAY_STREAM_FLUSH_SECONDS": "0.1",
    "MATCHDAY_STREAM_MOST": "150",
    "OTEL_SDK_DISABLED": "true",
}
"""A killed member is given up soon, and commits are many: more happens in the same time."""


@dataclass(frozen=True)
class Round:
    """What became of one season. working: kills of processors that had kept something. seconds: of the kills."""

    season: str
    events: int
    kills: int
    working: int
    seconds: float
    found: StreamComparison


def main() -> int:
    """Kill, compare, report. Returns the exit code: 1 when a value differs, 2 when it cannot run."""
    arguments = _arguments()
    stop_when_told()
    kills = [min(OF_ROUND, arguments.kills - done) for done in range(0, arguments.kills, OF_ROUND)]
    rounds: list[Round] = []
    begun = time.monotonic()
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for one in pool.map(run_round, range(len(kills)), kills):
                rounds.append(one)
                print(_line(len(rounds), one), flush=True)
    except BenchError as error:
        print(f"bench stream-kills: {error}", file=sys.stderr)
        return 2
    measures = measures_of(rounds, time.monotonic() - begun)
    report("stream-kills", measures, arguments.results)
    arguments.page.write_text(page_of(rounds), encoding="utf-8")
    return 1 if any(measure.held is False for measure in measures) else 0


def run_round(number: int, kills: int) -> Round:
    """One season; each round takes another one, in another order. Raises BenchError when it cannot run."""
    chance = random.Random(number)
    *past, season = all_seasons()[: -(number % 3) or None]
    past = past[-1:]
    events = disturbed_events(season, chance)
    cuts = sorted(chance.sample(range(1, len(events)), kills))
    with place(past, [season]) as where, lives(where.log) as living:
        senders = Senders(where.cluster)
        begun, working = time.monotonic(), 0
        for first, end in zip([0, *cuts], cuts, strict=False):
            senders.send(events[first:end])
            working += _live_and_die(where, living, chance)
        seconds = time.monotonic() - begun
        senders.send(events[cuts[-1] :])
        senders.close()
        _await(where, living.start(where.environ() | SETTINGS), len(events))
        expected = batch_rows(past, season)
        online = asyncio.run(_read_online(where, sorted(set(expected["team_form"]["team"]))))
        return Round(season, len(events), kills, working, seconds, compare(season, expected, online, where.lake))


def _live_and_die(where: Place, living: Lives, chance: random.Random) -> bool:
    """Start a processor and kill it at a random point. Returns whether it had kept something by then."""
    kept = where.handled()
    process = living.start(where.environ() | SETTINGS)
    if chance.random() < WORKING:
        _await(where, process, kept + 1)
        time.sleep(chance.random() * WORK_SECONDS)
    else:
        time.sleep(chance.random() * START_SECONDS)
    living.kill(process)
    return where.handled() > kept


def _await(where: Place, process: int, records: int) -> None:
    """Return once so many records are handled. Raises BenchError when the process ends or takes too long."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while where.handled() < records:
        if not runs(process) or time.monotonic() > deadline:
            raise BenchError(f"a processor does not go on: {tail(where.log)}")
        time.sleep(0.02)


async def _read_online(where: Place, teams: list[str]) -> dict[tuple[str, str], dict[str, object]]:
    """The online rows of teams, as the model server reads them."""
    from serving.features import open_store

    store = open_store(where.environ()["MATCHDAY_ONLINE_STORE"])
    try:
        rows = await store.read("team", teams, {view: columns_of(view) for view in TABLES})
    finally:
        store.close()
    return {(view, str(team)): {**row.values, "event_time": row.newest} for (view, team), row in rows.items()}


def measures_of(rounds: list[Round], seconds: float) -> list[Measure]:
    """The sums of all rounds. seconds: that they took."""
    kills = sum(one.kills for one in rounds)
    return [
        Measure("processors killed", kills, "kills"),
        Measure("of them, while at work", sum(one.working for one in rounds), "kills"),
        Measure("events, doubles and corrections among them", sum(one.events for one in rounds), "events"),
        Measure("online values compared with the batch path", sum(one.found.online for one in rounds), "values"),
        Measure("appended values compared with it", sum(one.found.appended for one in rounds), "values"),
        Measure("values that differ", sum(len(one.found.differing) for one in rounds), "values", "<= 0"),
        Measure(f"time of a kill, {AT_ONCE} rounds at once", seconds / kills, "s"),
    ]


def page_of(rounds: list[Round]) -> str:
    """The page of `docs/` with the table of all rounds."""
    kills, differing = sum(one.kills for one in rounds), sum(len(one.found.differing) for one in rounds)
    lines = [
        "# The processor, killed again and again",
        "",
        f"Written by `make bench-stream-kills` (KILLS={kills}).",
        "",
        str(__doc__).split("\n\n", 1)[1].strip(),
        "",
        "Each season comes in random order within each day, a tenth of its events twice, a twentieth of them wrong at",
        "first and corrected up to 3,000 events later.",
        "",
        "| round | season | events | kills | while at work | online values | appended values | that differ |",
        "| --: | --- | --: | --: | --: | --: | --: | --: |",
        *[_row(number, one) for number, one in enumerate(rounds, 1)],
        "",
        f"{kills:,} kills, {differing:,} values that differ.",
    ]
    return "\n".join(lines) + "\n"


def _row(number: int, one: Round) -> str:
    found = one.found
    return (
        f"| {number} | {one.season} | {one.events:,} | {one.kills} | {one.working} | {found.online:,} |"
        f" {found.appended:,} | {len(found.differing)} |"
    )


def _line(number: int, one: Round) -> str:
    differing = len(one.found.differing)
    verdict = f"{differing} values differ: {', '.join(one.found.differing[:3])}" if differing else "every value equal"
    return (
        f"round {number}: {one.kills} kills, {one.events:,} events, {one.seconds / one.kills:.2f} s a kill; {verdict}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream.kills", description="Kill the processor.")
    parser.add_argument("--kills", type=int, default=KILLS, help="kills of all rounds")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result")
    parser.add_argument("--page", type=Path, default=PAGE, help="file of the table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
