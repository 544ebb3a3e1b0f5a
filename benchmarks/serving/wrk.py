"""Load from wrk, on the loopback and for a bounded time."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.error import BenchError
from benchmarks.serving.process import program

SCRIPT = Path(__file__).with_name("load.lua")
MARK = "RESULT "


@dataclass(frozen=True)
class Load:
    """What a run of wrk saw. refused: answers that were not 2xx or 3xx. broken: connections, reads, time-outs."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Requests answered per second."""
        return self.requests / self.seconds

    @property
    def errors(self) -> int:
        """Requests without a right answer."""
        return self.refused + self.broken


def parse(output: str) -> Load:
    """The load from what wrk printed with `load.lua`. Raises BenchError when the line is missing or damaged."""
    lines = [line.removeprefix(MARK) for line in output.splitlines() if line.startswith(MARK)]
    try:
        (line,) = lines
        return Load(**json.loads(line))
    except (ValueError, TypeError):
        said = " | ".join(output.strip().splitlines()[-3:])
        raise BenchError(f"wrk gave no result: {said or 'it said nothing'}") from None


def command(wrk: str, url: str, connections: int, seconds: int) -> list[str]:
    """The command line: one thread. An answer may take 10 s before it counts as timed out."""
    return [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT), url]


def load(url: str, bodies: Path, connections: int, seconds: int, rate: float = 0.0) -> Load:
    """Send the bodies, one a line, in turn for so many seconds. Raises BenchError.

    rate: requests/s in all, each due at its own moment; 0 has each connection send the next when one is answered.
    """
    environ = {**os.environ, "BODIES": str(bodies), "RATE": f"{rate:.3f}"}
    line = command(program("wrk", "wrk"), url, connections, seconds)
    try:
        ended = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=seconds + 30, check=False)
    except subprocess.TimeoutExpired:
        raise BenchError(f"wrk did not end {seconds + 30} s after its start: {' '.join(line)}") from None
    if ended.returncode:
        raise BenchError(f"wrk ended with exit code {ended.returncode}: {(ended.stderr or ended.stdout).strip()}")
    return parse(ended.stdout)


def write_bodies(path: Path, bodies: Sequence[str]) -> Path:
    """A file with one body a line. Raises BenchError when one is several lines."""
    if any("\n" in body for body in bodies):
        raise BenchError("a request body must be one line")
    path.write_text("\n".join(bodies) + "\n", encoding="utf-8")
    return path
