"""`make bench-soak`: half of what the server can do, for long, and whether its memory stays flat.

First the capacity is measured: requests/s at 16 connections. Then half of it is sent, each request due at its own
moment. 30 minutes of that are 1,800 s * capacity / 2 requests. `--minutes` says how many of these are sent (9 by
default, so that all ends within about 10 minutes); memory is read each second, and its growth is a line fitted
through what was read after the first fifth, scaled to the requests of 30 minutes. `--minutes 30` sends them all.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np
from rich.console import Console

from benchmarks.report import WIDTH, Measure, report
from benchmarks.serving import body, trial, wrk
from benchmarks.serving.contestant import FOLDER, HOST, MATCHDAY, V2
from benchmarks.serving.process import all_mib, program, running, stop_when_told, wait, worker_mib
from benchmarks.serving.world import World, world
from matchday.errors import MatchdayError

WHOLE_S = 1_800
"""Length of the load that is meant: 30 minutes."""

CONNECTIONS = 32
"""Connections that share the load; most wait."""

EVERY_S = 1.0
SETTLING = 0.2
"""Share of the run, at its start, in which memory may still grow."""

RAW_EVERY = 10
"""One request of so many gives its features itself."""


@dataclass
class Weight:
    """Memory over time. seconds: since the start of the load; worker, whole: MiB."""

    seconds: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Soak:
    """capacity: requests/s at full load. load: what was sent at half of it. weight: memory meanwhile."""

    capacity: float
    load: wrk.Load
    weight: Weight
    dropped: int | None


def main() -> int:
    """Run it and report; 1 when a bar is missed, 2 for what a person can mend."""
    chosen = _arguments()
    stop_when_told()
    console = Console(width=max(Console().width, WIDTH))
    try:
        program("wrk", "wrk")
        with TemporaryDirectory(prefix="matchday-soak-") as folder:
            console.print("preparing: history, features, model, Feast's features in Redis")
            with world(Path(folder)) as made:
                soaked = _soak(made, round(chosen.minutes * 60), console)
    except MatchdayError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 130
    measures = told(soaked)
    report("serving-soak", measures)
    return 1 if any(one.held is False for one in measures) else 0


def growth(seconds: Sequence[float], mib: Sequence[float]) -> float:
    """Slope, in MiB/s, of the line through the samples after the first `SETTLING` of them."""
    start = int(len(seconds) * SETTLING)
    if len(seconds) - start < 3:
        return float("nan")
    return float(np.polyfit(seconds[start:], mib[start:], 1)[0])


def told(soak: Soak) -> list[Measure]:
    """The figures of a soak. A slope is scaled from the requests that were sent to those of 30 minutes."""
    whole = WHOLE_S * soak.capacity / 2
    times = whole / soak.load.requests * soak.load.seconds
    weight = soak.weight
    return [
        Measure("requests sent", soak.load.requests, "requests"),
        Measure("requests of 30 minutes at half capacity", round(whole), "requests"),
        Measure("rate", round(soak.load.rate), "requests/s"),
        Measure("rate, share of capacity", round(soak.load.rate / soak.capacity, 2), ""),
        Measure("p99", round(soak.load.p99_ms, 2), "ms"),
        Measure("longest", round(soak.load.longest_ms, 1), "ms"),
        Measure("errors", soak.load.errors, "requests", "<= 0"),
        Measure("worker at the end", round(weight.worker[-1], 1), "MiB", "<= 200"),
        Measure("worker, growth in 30 minutes", round(growth(weight.seconds, weight.worker) * times, 2), "MiB", "<= 5"),
        Measure("all processes, growth in 30 minutes", round(growth(weight.seconds, weight.whole) * times, 2), "MiB"),
        Measure("predictions the log dropped", soak.dropped or 0, "predictions", "<= 0"),
    ]


def bodies(made: World) -> list[str]:
    """Every match by names, and every tenth of them by features as well."""
    return [
        text
        for number, match in enumerate(made.matches)
        for text in ([body.v2_entity(match)] + ([body.v2_raw(match)] if number % RAW_EVERY == 0 else []))
    ]


def _soak(made: World, seconds: int, console: Console) -> Soak:
    here = trial.place(MATCHDAY, made, Path(sys.prefix) / "bin")
    log, port = here.folder / "log.txt", here.ports[0]
    sent = wrk.write_bodies(here.folder / "mixed.jsonl", bodies(made))
    url = f"http://{HOST}:{port}{V2}"
    with running(MATCHDAY.command(here), log, MATCHDAY.variables(here), FOLDER) as process:
        first = body.v2_entity(made.matches[0]).encode()
        wait(process, lambda: trial.answers(port, V2, first), trial.START_S, log)
        wrk.load(url, sent, 16, 2)
        full = wrk.load(url, sent, 16, 8)
        rate = full.rate / 2
        console.print(f"capacity {full.rate:,.0f} requests/s; {rate:,.0f} requests/s for {seconds / 60:g} minutes")
        with _weighed(process.pid) as weight:
            half = wrk.load(url, sent, CONNECTIONS, seconds, rate)
        return Soak(full.rate, half, weight, trial.dropped(port))


@contextmanager
def _weighed(pid: int) -> Iterator[Weight]:
    """Memory of a server, read each second until the block ends."""
    weight, over, begun = Weight(), Event(), time.monotonic()

    def watch() -> None:
        while not over.wait(EVERY_S):
            weight.seconds.append(time.monotonic() - begun)
            weight.worker.append(worker_mib(pid))
            weight.whole.append(all_mib(pid))

    watcher = Thread(target=watch, name="weight")
    watcher.start()
    try:
        yield weight
    finally:
        over.set()
        watcher.join()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.0, help="minutes of the load that are sent")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
