"""The gRPC server of a worker: on the loop that also answers HTTP, on a port that all workers share."""

from typing import TYPE_CHECKING

import grpc

from matchday.errors import MatchdayError
from serving.grpc.service import Service

if TYPE_CHECKING:
    from serving.app import App

MOST_AT_ONCE = 1024
"""Calls in flight; beyond it RESOURCE_EXHAUSTED."""


class GrpcError(MatchdayError):
    """The gRPC server cannot start."""


async def start(app: "App", host: str, port: int) -> grpc.aio.Server:
    """A server that listens. Raises GrpcError when the port cannot be had."""
    options = [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", app.settings.max_body_bytes),
        ("grpc.max_metadata_size", 16 * 2**10),
    ]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=MOST_AT_ONCE)
    server.add_generic_rpc_handlers((Service(app).handlers(),))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise GrpcError(f"cannot listen on {address} for gRPC: free the port or choose another") from None
    await server.start()
    return server
