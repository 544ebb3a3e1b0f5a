"""The floor: Matchday's server with nothing behind it. It reads a request's body and answers a constant.

The same granian with the same settings as `python -m serving`: what is faster than this is not to be had there.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from granian.rsgi import HTTPProtocol, Scope

from serving.settings import ServingSettings
from serving.supervisor import Supervisor

HEADERS = [("content-type", "application/json")]
ANSWER = (
    b'{"model_name":"match-outcome","model_version":"1","id":"00000000000000000000000000000000","parameters":{},'
    b'"outputs":[{"name":"probabilities","datatype":"FP32","shape":[1,3],"data":[0.5,0.25,0.25]}]}'
)


class Floor:
    """A constant for every POST."""

    def __rsgi_init__(self, loop: Any) -> None:
        """Nothing to load."""

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        await protocol()
        protocol.response_bytes(200, HEADERS, ANSWER)


def load() -> Callable[..., Any]:
    """The application of a worker."""
    return cast("Callable[..., Any]", Floor())


def main() -> int:
    """Serve until told to stop."""
    with TemporaryDirectory(prefix="matchday-floor-") as folder:
        Supervisor(ServingSettings(), Path(folder)).serve(target_loader=load, wrap_loader=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
