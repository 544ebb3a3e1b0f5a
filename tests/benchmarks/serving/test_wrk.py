"""What wrk saw, read from what it prints; and wrk itself against the floor."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.serving import wrk
from benchmarks.serving.error import BenchError
from benchmarks.serving.process import all_mib, end, family, free_port, listens, program, running, wait, worker_mib
from benchmarks.serving.wrk import Load, parse
from tests.services.requirements import executable

SAID = """Running 1s test @ http://127.0.0.1:8080/v2
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   340.00us   10.00us   1.01ms   99.00%
Requests/sec:  46210.33
RESULT {"requests": 924, "seconds": 2.000000, "p50_ms": 0.3100, "p99_ms": 1.0200, "longest_ms": 3.5000, \
"refused": 2, "broken": 1}
"""


def test_the_line_of_results_is_found_among_what_wrk_says():
    load = parse(SAID)
    assert load == Load(924, 2.0, 0.31, 1.02, 3.5, 2, 1)
    assert (load.rate, load.errors) == (462.0, 3)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "unable to connect to 127.0.0.1:8080 Connection refused\n",
        SAID.replace("RESULT", "RESULTS"),
        SAID[:-40],
        SAID.replace('"refused": 2, ', ""),
        SAID + SAID,
    ],
)
def test_a_result_that_is_missing_damaged_or_double_is_an_error(output):
    with pytest.raises(BenchError, match="wrk gave no result"):
        parse(output)


def test_a_body_of_two_lines_would_be_two_bodies(tmp_path):
    with pytest.raises(BenchError, match="one line"):
        wrk.write_bodies(tmp_path / "bodies", ["{}", "{\n}"])


def test_a_program_that_is_missing_is_named_with_its_package():
    with pytest.raises(BenchError, match=r"no-such-wrk is missing.*apt-get install wrk"):
        program("no-such-wrk", "wrk")


@pytest.fixture
def floor(tmp_path):
    port, log = free_port(), tmp_path / "log.txt"
    variables = {"MATCHDAY_SERVING_PORT": str(port), "MATCHDAY_SERVING_DRAIN_SECONDS": "0"}
    with running([sys.executable, "-m", "benchmarks.serving.floor"], log, variables) as process:
        wait(process, lambda: listens(port), 30, log)
        yield process, port


@pytest.mark.services
def test_wrk_sends_the_bodies_and_counts_the_answers(floor, tmp_path):
    executable("wrk", package="wrk")
    _, port = floor
    bodies = wrk.write_bodies(tmp_path / "bodies", ['{"inputs": []}', '{"inputs": [1]}'])
    free = wrk.load(f"http://127.0.0.1:{port}/", bodies, connections=4, seconds=1)
    assert free.requests > 100
    assert free.errors == 0
    assert 0 < free.p50_ms <= free.p99_ms <= free.longest_ms
    paced = wrk.load(f"http://127.0.0.1:{port}/", bodies, connections=4, seconds=2, rate=50)
    assert paced.requests == pytest.approx(100, abs=15)


@pytest.mark.services
def test_wrk_that_reaches_nobody_is_an_error(tmp_path):
    executable("wrk", package="wrk")
    bodies = wrk.write_bodies(tmp_path / "bodies", ["{}"])
    with pytest.raises(BenchError, match="refused"):
        wrk.load(f"http://127.0.0.1:{free_port()}/", bodies, connections=1, seconds=1)


@pytest.mark.services
def test_a_server_is_weighed_with_its_children_and_leaves_none_behind(floor):
    process, port = floor
    pids = family(process.pid)
    assert len(pids) >= 2
    assert 20 < worker_mib(process.pid) < 200
    assert 20 < all_mib(process.pid) < 400
    end(process)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (listens(port) or any(Path(f"/proc/{pid}").exists() for pid in pids)):
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not listens(port)


def test_a_process_that_ends_early_is_told_with_its_last_words(tmp_path):
    log = tmp_path / "log.txt"
    with (
        running([sys.executable, "-c", "raise SystemExit('no model here')"], log) as process,
        pytest.raises(BenchError, match="exit code 1: no model here"),
    ):
        wait(process, lambda: False, 20, log)
