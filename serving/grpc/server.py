"""The gRPC server of a worker: on the event loop that also answers HTTP, on a port that all workers share.

It has three services: inference, health and reflection.
"""

import grpc

from matchday.errors import MatchdayError
from serving.grpc import health, reflection, service
from serving.worker import Worker

MAX_CALLS = 1024
"""Calls in flight; beyond it RESOURCE_EXHAUSTED."""


class GrpcError(MatchdayError):
    """The gRPC server cannot start."""


async def start(worker: Worker, host: str, port: int) -> grpc.aio.Server:
    """A server that listens. Raises GrpcError when the port is taken."""
    options = [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", worker.settings.max_body_bytes),
        ("grpc.max_metadata_size", 16 * 2**10),
    ]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=MAX_CALLS)
    inference, names = service.Service(worker), (service.NAME, health.NAME)
    healths, reflections = health.HealthService(worker, names[:1]), reflection.ReflectionService(worker, names)
    server.add_generic_rpc_handlers((inference.handlers(), healths.handlers(), *reflections.handlers()))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise GrpcError(f"cannot listen on {address} for gRPC: free the port or choose another") from None
    await server.start()
    return server
