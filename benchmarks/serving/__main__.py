"""`make bench-serving`: the model server beside its peers.

Servers run one at a time, in rounds (A B C A B C), each started anew for each round; figures are medians over the
rounds, so that a machine that is busy for a while decides nothing. All traffic stays on the loopback.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.report import WIDTH, report
from benchmarks.serving import comparison, contestant
from benchmarks.serving.comparison import Trials, core_speed, modes, speed
from benchmarks.serving.contestant import ALL, Contestant
from benchmarks.serving.environment import build
from benchmarks.serving.error import BenchError
from benchmarks.serving.process import program, stop_when_told
from benchmarks.serving.trial import CONNECTIONS, Trial, run
from benchmarks.serving.world import World, world
from matchday.errors import MatchdayError

BUSY = 0.5
"""Load average from which the machine is said to be busy."""


def main() -> int:
    """Measure, print the table and the bars; 1 when a bar is missed, 2 for what a person can mend."""
    chosen = _arguments()
    stop_when_told()
    console = Console(width=max(Console().width, WIDTH))
    try:
        program("wrk", "wrk")
        contestants = _named(chosen.only)
        programs = {each.name: build(each.environment, console) for each in contestants if each.environment}
        with TemporaryDirectory(prefix="matchday-bench-") as folder:
            _say_busy(console)
            console.print("preparing: history, features, model, Feast's features in Redis")
            with world(Path(folder)) as made:
                trials = _rounds(contestants, made, programs, chosen.rounds, chosen.seconds, console)
    except MatchdayError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 130
    return _tell(trials, chosen, console)


def _rounds(
    contestants: Sequence[Contestant],
    made: World,
    programs: dict[str, Path],
    rounds: int,
    seconds: int,
    console: Console,
) -> Trials:
    trials: dict[str, list[Trial]] = {each.name: [] for each in contestants}
    begun = time.monotonic()
    for number in range(1, rounds + 1):
        for each in contestants:
            console.print(
                f"round {number} of {rounds}, {time.monotonic() - begun:4.0f} s: {each.name}", highlight=False
            )
            trials[each.name].append(run(each, made, programs.get(each.name, Path(sys.prefix) / "bin"), seconds))
    return trials


def _tell(trials: Trials, chosen: argparse.Namespace, console: Console) -> int:
    console.print(_table(trials, f"medians of {chosen.rounds} rounds of {chosen.seconds} s, one worker each"))
    held = comparison.bars(
        trials,
        [peer.name for peer in contestant.PEERS],
        kserve=contestant.KSERVE.name,
        own=contestant.MATCHDAY.name,
        kept=contestant.MATCHDAY_KEPT.name,
        floor=contestant.FLOOR.name,
    )
    everything = [*held, *(figure for name, each in trials.items() for figure in comparison.figures(name, each))]
    if set(trials) == {each.name for each in ALL}:
        report("serving", everything, shown=held)
    else:
        console.print("not every server was measured: nothing is written")
    return 1 if any(one.held is False for one in held) else 0


def _table(trials: Trials, title: str) -> Table:
    table = Table("server", "mode", title=title, box=None, title_justify="left")
    for connections in CONNECTIONS:
        for head in (f"requests/s at {connections}", "p50 ms", "p99 ms"):
            table.add_column(head, justify="right")
    for head in ("CPU s/1,000", "one core: requests/s", "CPU s/1,000", "worker MiB", "ready s"):
        table.add_column(head, justify="right")
    for name, each in trials.items():
        last = comparison.figures(name, each)
        weight, ready = last[-3].value, last[-1].value
        for mode in modes(each):
            cells = []
            for connections in CONNECTIONS:
                seen = speed(each, mode, connections)
                cells += [f"{seen.rate:,.0f}", f"{seen.p50_ms:.2f}", f"{seen.p99_ms:.2f}"]
            cells.append(f"{speed(each, mode).cpu_per_thousand:.3f}")
            core = core_speed(each, mode)
            cells += [f"{core.rate:,.0f}", f"{core.cpu_per_thousand:.3f}"] if core else ["-", "-"]
            table.add_row(name, mode, *cells, f"{weight:.0f}", f"{ready:.2f}")
    return table


def _named(only: str) -> list[Contestant]:
    if not only:
        return list(ALL)
    wanted = [name.strip().lower() for name in only.split(",")]
    found = [each for each in ALL if any(each.name.lower().startswith(name) for name in wanted)]
    if not found:
        raise BenchError(f"no server is called {only}: there is {', '.join(each.name for each in ALL)}")
    return found


def _say_busy(console: Console) -> None:
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"this machine is busy (load average {load:.1f}): figures will be lower than it can do")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is started and measured")
    parser.add_argument("--seconds", type=int, default=6, help="length of each measurement")
    parser.add_argument("--only", default="", help="beginnings of names of servers, comma-separated; default: all")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
