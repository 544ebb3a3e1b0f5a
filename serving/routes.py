"""Paths beyond the V2 protocol's own: V1, explanations, and what describes the server."""

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

from serving.reply import Reply, nothing_at


async def answer(app: object, scope: Scope, protocol: HTTPProtocol) -> Reply:
    """The reply to a path that V2 does not know. Raises Refusal."""
    raise nothing_at(scope)
