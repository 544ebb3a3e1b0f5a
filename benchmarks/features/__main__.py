"""`python -m benchmarks.features`, or `make bench-features`: every part, one after the other."""

import sys

from benchmarks.features.joins import measure_joins
from benchmarks.features.reads import measure_reads
from benchmarks.features.writes import measure_writes
from benchmarks.report import report
from benchmarks.serving.error import BenchError

PARTS = (measure_reads, measure_writes, measure_joins)
"""What is measured, in this order; each part returns its measures."""


def main() -> int:
    """Measure and report. Returns the exit code: 1 when a bar was missed, 2 when it cannot run."""
    try:
        measures = [one for part in PARTS for one in part()]
    except BenchError as error:
        print(f"bench features: {error}", file=sys.stderr)
        return 2
    report("features", measures)
    return 1 if any(measure.held is False for measure in measures) else 0


if __name__ == "__main__":
    sys.exit(main())
