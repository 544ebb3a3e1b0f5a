"""One start of one contestant: how soon it answers, whether rightly, how fast, and in how much memory."""

import http.client
import json
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving import wrk
from benchmarks.serving.contestant import FOLDER, HOST, Contestant, Place
from benchmarks.serving.error import BenchError
from benchmarks.serving.process import all_mib, free_port, running, wait, worker_mib
from benchmarks.serving.processor import cpu_seconds, pinned
from benchmarks.serving.world import World

CONNECTIONS = (1, 16)
TOLERANCE = 1e-5
"""Largest difference of a probability from what the Python model gives."""

START_S = 60.0
WARM_UP_S = 1
_starts = count(1)


@dataclass(frozen=True)
class Spent:
    """A load, and the processor time that all processes of the server spent on it, in seconds."""

    load: wrk.Load
    cpu_s: float

    @property
    def cpu_per_thousand(self) -> float:
        """Processor seconds per 1,000 requests."""
        return 1000 * self.cpu_s / self.load.requests


@dataclass(frozen=True)
class Trial:
    """ready_s: from the start of its process to its first right answer. loads: (mode, connections) -> what wrk saw.

    core: mode -> the load at 16 connections with the server on one core and wrk on another; empty on one core.
    worker_mib: resident, of its largest process. all_mib: of all its processes, shared pages counted once.
    apart: largest difference of a probability. dropped: predictions that its log lost, None without a log.
    """

    ready_s: float
    loads: Mapping[tuple[str, int], Spent]
    core: Mapping[str, Spent]
    worker_mib: float
    all_mib: float
    apart: float
    dropped: int | None


def place(contestant: Contestant, world: World, programs: Path) -> Place:
    """A new folder and free ports for a start."""
    folder = world.home / f"start-{next(_starts)}-{contestant.name.split(',')[0].replace(' ', '-').lower()}"
    folder.mkdir()
    ports = (free_port(), free_port(), free_port())
    return Place(folder, ports, programs, world.bundle, world.python, world.feast, world.redis)


def run(contestant: Contestant, world: World, programs: Path, seconds: int) -> Trial:
    """Start it, hold its answers against the model's, measure, and end it. Raises BenchError."""
    here = place(contestant, world, programs)
    log, port = here.folder / "log.txt", here.ports[0]
    with running(contestant.command(here), log, contestant.variables(here), FOLDER) as process:
        first = next(iter(contestant.modes.values()))(world.matches[0]).encode()
        ready = wait(process, lambda: answers(port, contestant.path, first), START_S, log)
        apart = max((_apart(contestant, mode, port, world) for mode in contestant.modes), default=0.0)
        under = partial(_measure, contestant, here, world, process.pid, seconds)
        loads = {
            (mode, connections): under(mode, connections) for mode in contestant.modes for connections in CONNECTIONS
        }
        with pinned(process.pid) as possible:
            core = {mode: under(mode, max(CONNECTIONS)) for mode in contestant.modes} if possible else {}
        weight, whole = worker_mib(process.pid), all_mib(process.pid)
        return Trial(ready, loads, core, weight, whole, apart, dropped(port))


def ask(connection: http.client.HTTPConnection, path: str, body: bytes) -> Any:
    """The answer to a body. Raises BenchError for any status but 200."""
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise BenchError(f"{path} answered {response.status}: {content[:300].decode(errors='replace')}")
    return json.loads(content)


def answers(port: int, path: str, body: bytes) -> bool:
    """Whether a server gives an answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        ask(connection, path, body)
    except (OSError, http.client.HTTPException, BenchError):
        return False
    finally:
        connection.close()
    return True


def _apart(contestant: Contestant, mode: str, port: int, world: World) -> float:
    """The largest difference from the model over all matches. Raises BenchError beyond `TOLERANCE`."""
    if not contestant.right:
        return 0.0
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    bodies = [contestant.modes[mode](match).encode() for match in world.matches]
    answers = [contestant.answer(ask(connection, contestant.path, body)) for body in bodies]
    connection.close()
    apart = float(np.abs(np.array(answers) - world.answers).max())
    if not apart <= TOLERANCE:
        raise BenchError(f"{contestant.name} ({mode}) is off by {apart:.1e}: not the same model, so not compared")
    return apart


def _measure(
    contestant: Contestant, here: Place, world: World, pid: int, seconds: int, mode: str, connections: int
) -> Spent:
    bodies = here.folder / f"{mode}.jsonl"
    if not bodies.exists():
        wrk.write_bodies(bodies, [contestant.modes[mode](match) for match in world.matches])
    url = f"http://{HOST}:{here.ports[0]}{contestant.path}"
    wrk.load(url, bodies, connections, WARM_UP_S)
    before = cpu_seconds(pid)
    seen = wrk.load(url, bodies, connections, seconds)
    spent = cpu_seconds(pid) - before
    if seen.errors or not seen.requests:
        raise BenchError(
            f"{contestant.name} ({mode}, {connections} connections) failed {seen.errors} of {seen.requests} requests"
        )
    return Spent(seen, spent)


def dropped(port: int, settle_s: float = 1.5) -> int | None:
    """Predictions that the log says it lost, once it has had a moment to say so; None for servers without one."""
    time.sleep(settle_s)
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as response:
            lines = response.read().decode().splitlines()
    except OSError:
        return None
    lost = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("matchday_serving_log_dropped_total")]
    return int(sum(lost)) if lost else None
