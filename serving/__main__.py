"""The server process: `python -m serving`, configured by `MATCHDAY_SERVING_*`.

SIGTERM stops it gracefully: not ready any more, `drain_seconds` in which requests are still answered, then no new
connection, requests in flight answered, exit 0. SIGINT, or a second SIGTERM, skips the drain.
"""

import os
import sys
from typing import NoReturn

from serving.signals import FOR_EVERYBODY, handle


def main() -> int:
    """Serve until told to stop. Returns the exit code: 2 for a failure that a person can mend."""
    handle(FOR_EVERYBODY, _exit)
    from serving.memory import configure_allocators

    configure_allocators()
    from serving.launch import launch  # importing it takes a second, in which signals are handled already

    return launch()


def _exit(number: int, frame: object) -> NoReturn:
    """End at once: nothing is open yet. Later the supervisor handles signals."""
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
