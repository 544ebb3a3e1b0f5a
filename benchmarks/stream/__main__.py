"""`python -m benchmarks.stream`, or `make bench-stream`: every part, one after the other; about 6 minutes."""

import sys

from benchmarks.report import Measure, report
from benchmarks.serving.error import BenchError
from benchmarks.serving.process import stop_when_told
from benchmarks.stream.latency import measure_latency
from benchmarks.stream.push import measure_push
from benchmarks.stream.throughput import measure_throughput

PARTS = (measure_throughput, measure_latency, measure_push)
"""What is measured, in this order; each part returns its measures."""


def main() -> int:
    """Measure and report. Returns the exit code: 1 when a bar was missed, 2 when it cannot run."""
    stop_when_told()
    measures: list[Measure] = []
    try:
        for part in PARTS:
            found = part()
            print(f"{part.__name__}: {', '.join(f'{one.value:,.4g} {one.unit}' for one in found)}", flush=True)
            measures += found
    except BenchError as error:
        print(f"bench stream: {error}", file=sys.stderr)
        return 2
    report("stream", measures)
    return 1 if any(measure.held is False for measure in measures) else 0


if __name__ == "__main__":
    sys.exit(main())
