"""Rows of requests that come at once go through the model together."""

import asyncio

import numpy as np

from serving.model import Matrix, Model

MOST_ROWS = 16
"""A request of more rows gains nothing from company."""

Waiting = list[tuple[Matrix, "asyncio.Future[Matrix]"]]


class Batch:
    """Runs a model over the rows of all requests of one turn of the event loop.

    A run costs about as much as fifteen of its rows. Nobody waits for others to come: what is there goes.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._waiting: dict[asyncio.AbstractEventLoop, Waiting] = {}

    async def predict(self, rows: Matrix) -> Matrix:
        """The outputs of these rows. Raises Unavailable when one is not finite."""
        if len(rows) > MOST_ROWS:
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
        """Answer those who wait; alone, each of them, when together there is no answer."""
        waiting = [(rows, answer) for rows, answer in self._waiting.pop(loop) if not answer.done()]
        if not self._answered(waiting) and len(waiting) > 1:
            for each in waiting:
                self._answered([each])

    def _answered(self, waiting: Waiting) -> bool:
        """Whether one run answers them all; one who waits alone is told what went wrong."""
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
