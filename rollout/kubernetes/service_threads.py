"""Threads of the operator: the round of each service runs in its own, so that a slow one holds up no other."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

MOST_SERVICES = 64
"""Services whose rounds run at the same time."""


class ServiceThreads:
    """Runs rounds by the name of their service; the rounds of one service never overlap."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = ThreadPoolExecutor(MOST_SERVICES, thread_name_prefix="service")
        self._clock = clock
        self._running: dict[str, tuple[float, Future[None]]] = {}

    def run(self, rounds: Mapping[str, Callable[[], None]], patience: float | None = None) -> None:
        """Begin the rounds of those services that have none under way, and wait for them.

        patience: seconds to wait at most; None: until all have ended. Raises what a round has raised.
        """
        self._collect()
        for name in rounds.keys() - self._running.keys():
            self._running[name] = (self._clock(), self._pool.submit(rounds[name]))
        wait(self._futures(), patience)
        self._collect()

    def wait(self, patience: float) -> bool:
        """Wait for the rounds that are under way. Returns whether all have ended."""
        return not wait(self._futures(), patience).not_done

    def slow(self, seconds: float) -> dict[str, float]:
        """Services whose round has been under way for longer than that, and for how long."""
        running = {
            name: self._clock() - begun for name, (begun, future) in [*self._running.items()] if not future.done()
        }
        return {name: round(passed, 1) for name, passed in sorted(running.items()) if passed > seconds}

    def _futures(self) -> list[Future[None]]:
        """Of a copy: another thread may begin rounds meanwhile."""
        return [future for _, future in [*self._running.values()]]

    def _collect(self) -> None:
        """Forget the rounds that have ended."""
        ended = [name for name, (_, future) in self._running.items() if future.done()]
        for future in [self._running.pop(name)[1] for name in ended]:
            future.result()
