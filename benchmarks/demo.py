"""The main job measured: `make bench`."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Measure, report
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.models.catalogue import model_kind
from matchday.models.evaluation import Evaluation, evaluate
from matchday.models.recipe import load_recipe
from matchday.settings import REPOSITORY, Settings
from matchday.tables import Appearances, Matches, name

MATCHDAY = str(Path(sys.executable).with_name("matchday"))
SAMPLE_S = 0.2
PORT = "18333"
AFTER_THE_LAST_MATCH = "2026-06-01"


@dataclass(frozen=True)
class Run:
    """A command that ran. peak: most memory that it and its children held together, bytes."""

    seconds: float
    peak: int


def main() -> None:
    """Measure and report; `--without-tests` leaves the test suite out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-tests", action="store_true")
    without_tests = parser.parse_args().without_tests
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "MATCHDAY_HOME": home}
        first = measure([MATCHDAY, "demo", "--port", PORT], environ)
        second = measure([MATCHDAY, "demo", "--port", PORT, "--scene", "outcome"], environ)
        stream = measure([MATCHDAY, "demo", "--port", PORT, "--scene", "stream"], environ)
        whole = measure([MATCHDAY, "demo", "--port", PORT], environ)
        rollouts = whole.seconds - second.seconds - stream.seconds
        measures = [
            Measure("make demo, first run", first.seconds, "s", "<= 120"),
            Measure("make demo, first run, peak memory", first.peak / 2**30, "GiB", "<= 4"),
            Measure("make demo, second run, the main job", second.seconds, "s", "<= 40"),
            Measure("make demo, second run, the rollouts", rollouts, "s", "<= 40"),
            Measure("make demo, second run, the stream", stream.seconds, "s", "<= 20"),
            Measure(
                "matchday --help", min(measure([MATCHDAY, "--help"], environ).seconds for _ in range(5)), "s", "<= 1"
            ),
            *rows(Lake(str(Path(home) / "lake"))),
            *scores(Path(home)),
        ]
    if not without_tests:
        tests = measure(["make", "-C", str(REPOSITORY), "test"], os.environ)
        measures.append(Measure("make test", tests.seconds / 60, "min", "<= 10"))
    report("demo", measures)


def measure(command: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Run a command to its end, its output on standard error. Raises CalledProcessError when it fails."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=dict(environ), stdout=sys.stderr)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_memory(process.pid))
        time.sleep(SAMPLE_S if time.monotonic() - started > 2 * SAMPLE_S else SAMPLE_S / 20)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return Run(time.monotonic() - started, peak)


def tree_memory(root: int) -> int:
    """Resident memory of a process and all its descendants, bytes; shared pages count for each (Linux)."""
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        sizes[int(entry.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    total = 0
    for process, size in sizes.items():
        ancestor: int | None = process
        while ancestor is not None and ancestor != root:
            ancestor = parents.get(ancestor)
        total += size if ancestor == root else 0
    return total


def rows(lake: Lake) -> list[Measure]:
    """How much data the main job went through."""
    tables = (Matches, Appearances, *TABLES)
    return [Measure(f"rows of {name(table)}", len(lake.read(table)), "rows") for table in tables]


def scores(home: Path) -> list[Measure]:
    """Walk-forward over all 1,140 matches of 2023/24 to 2025/26, after the last of them."""
    from feature_repo.training import training_set
    from matchday import calendar, history

    settings = Settings(home=home)
    lake = Lake(settings.lake)
    features = history.fingerprint(lake, TABLES)
    kind = model_kind("match-outcome")
    rows = training_set(kind, settings, lake, features, calendar.parse(AFTER_THE_LAST_MATCH))
    walked = evaluate(load_recipe(kind), rows)
    return [Measure("walk-forward matches", walked.scores()["matches"], "matches"), *_board(walked)]


def _board(walked: Evaluation) -> list[Measure]:
    board = []
    for forecaster in walked.walks:
        own = walked.scores(forecaster)
        bar = "<= 0.2010" if forecaster == "match-outcome" else None
        board.append(Measure(f"{forecaster}: RPS", own["rps"], "", bar))
        board.append(Measure(f"{forecaster}: log loss", own["log_loss"], "nats"))
        board.append(Measure(f"{forecaster}: accuracy", own["accuracy"], ""))
    return board


if __name__ == "__main__":
    main()
