"""Micro-batching: rows of requests that arrive in the same turn of the event loop run through the model together."""

import asyncio

import numpy as np

from serving.model import Matrix, Model

MAX_SHARED_ROWS = 16
"""A request of more rows runs alone: it gains nothing from others."""

Waiting = list[tuple[Matrix, "asyncio.Future[Matrix]"]]


class MicroBatcher:
    """Runs a model over the rows of all requests of one turn of the event loop.

    A run costs about as much as fifteen of its rows. No request waits for others to arrive.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._waiting: dict[asyncio.AbstractEventLoop, Waiting] = {}

    async def predict(self, rows: Matrix) -> Matrix:
        """The outputs of these rows. Raises NotFinite when one is not finite."""
        if len(rows) > MAX_SHARED_ROWS:
            return self._model.predict(rows)
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(loop)
        if waiting is None:
            waiting = self._waiting[loop] = []
            loop.call_soon(self._run, loop)
        answer: asyncio.Future[Matrix] = loop.create_future()
        waiting.append((rows, answer))
        return await answer

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer all that wait in one run; if that fails, each in a run of its own, so that one fails alone."""
        waiting = [(rows, answer) for rows, answer in self._waiting.pop(loop) if not answer.done()]
        if not self._run_together(waiting) and len(waiting) > 1:
            for each in waiting:
                self._run_together([each])

    def _run_together(self, waiting: Waiting) -> bool:
        """Answer all in one run. Returns whether it succeeded; the failure of a single request is its answer."""
        if not waiting:
            return True
        try:
            outputs = self._model.predict(np.concatenate([rows for rows, _ in waiting]))
        except Exception as error:  # noqa: BLE001
            if len(waiting) == 1:
                waiting[0][1].set_exception(error)
            return False
        at = 0
        for rows, answer in waiting:
            answer.set_result(outputs[at : at + len(rows)])
            at += len(rows)
        return True
