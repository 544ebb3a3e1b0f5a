"""Token check and refusals of gRPC calls, for every service of the server."""

from typing import Any, NoReturn, TypeAlias

import grpc

from serving.protocol.errors import Refusal
from serving.statuses import GRPC_CODES
from serving.worker import Worker

ROWS = "rows"
"""Trailing metadata of a refusal: indices of the rows it is for, as `rows` in the body of a refusal over HTTP."""

Context: TypeAlias = Any
"""`grpc.aio.ServicerContext`: grpc ships no types."""


class Access:
    """One per service."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def check_token(self, context: Context, open_to_all: bool = False) -> bool:
        """Whether the call came with the token. Raises Refusal (401) unless it did, or is open to all."""
        metadata = dict(context.invocation_metadata() or ())
        try:
            self.worker.token.check(metadata.get("authorization"))
        except Refusal:
            if not open_to_all:
                raise
            return False
        return True

    async def abort(self, context: Context, error: Exception, path: str, trusted: bool = True) -> NoReturn:
        """End a call by the status of an exception. A client that is not trusted is told no names."""
        refusal = self.worker.pipeline.refuse(error, None, path)
        if not trusted:
            refusal = refusal.without_names()
        metadata = context.trailing_metadata() or ()
        if refusal.rows:
            metadata = (*metadata, (ROWS, ",".join(map(str, refusal.rows))))
        await context.abort(getattr(grpc.StatusCode, GRPC_CODES[refusal.status]), str(refusal), metadata)
        raise AssertionError("abort raises")
