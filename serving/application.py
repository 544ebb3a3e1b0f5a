"""The application that granian runs in each worker process: a worker behind its HTTP face and its gRPC server."""

import asyncio
import gc
from typing import TYPE_CHECKING

from serving.http.face import HttpFace
from serving.memory import return_freed_memory
from serving.settings import ServingSettings
from serving.signals import stop_gracefully
from serving.worker import Worker

if TYPE_CHECKING:
    import grpc

GC_THRESHOLDS = (10_000, 50, 100)
"""Of the garbage collector: a request makes a few dozen objects and hardly ever a cycle."""

DRAIN_POLL_SECONDS = 0.1


class Application:
    """What granian calls: `__rsgi__` for each request, `__rsgi_init__` before the first, `__rsgi_del__` at the end."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.__rsgi__ = HttpFace(worker).respond
        self._grpc: grpc.aio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the worker and its gRPC server, and keep the garbage collector off what was loaded."""
        self.worker.start(loop)
        settings = self.worker.settings
        if settings.grpc_port:
            from serving.grpc.server import start

            self._grpc = loop.run_until_complete(start(self.worker, settings.host, settings.grpc_port))
        self.worker.note_listening()
        stop_gracefully(loop)
        self._tasks = [loop.create_task(self._watch_drain()), loop.create_task(return_freed_memory())]
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop both, once the last request is answered."""
        for task in self._tasks:
            task.cancel()
        self.worker.draining = True  # ends what watches or waits over gRPC
        if self._grpc is not None:
            loop.run_until_complete(self._grpc.stop(self.worker.settings.stop_seconds))
        self.worker.stop()

    async def _watch_drain(self) -> None:
        """Send clients elsewhere while the server drains: HTTP by its replies, gRPC by GOAWAY halfway through."""
        while not self.worker.look_for_drain():
            await asyncio.sleep(DRAIN_POLL_SECONDS)
        settings = self.worker.settings
        await asyncio.sleep(settings.drain_seconds / 2)
        if self._grpc is not None:
            await self._grpc.stop(settings.stop_seconds)


def create() -> Application:
    """The application of a worker process, from the environment."""
    return Application(Worker(ServingSettings()))
