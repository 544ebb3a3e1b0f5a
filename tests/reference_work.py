"""What code costs in units of a fixed piece of work: seconds differ between machines and with what else they do."""

import json
import time
from collections.abc import Callable

SAMPLE = {f"feature_{number}": number * 1.7 for number in range(8)}


def reference_work() -> None:
    """One unit: a small JSON document written and read, about 10 microseconds on a core of 2020."""
    json.loads(json.dumps(SAMPLE))


def cost(work: Callable[[], object], calls: int = 1000, rounds: int = 10) -> float:
    """Processor time of one call of `work` in this thread, in units of the reference work measured beside it."""
    best = [min(seconds) for seconds in zip(*(_round(work, calls) for _ in range(rounds)), strict=True)]
    return best[0] / best[1]


def _round(work: Callable[[], object], calls: int) -> tuple[float, float]:
    return _thread_seconds(work, calls), _thread_seconds(reference_work, calls)


def _thread_seconds(work: Callable[[], object], calls: int) -> float:
    begun = time.thread_time()
    for _ in range(calls):
        work()
    return time.thread_time() - begun
