"""The process that sends predictions: frames on stdin, one line of JSON on stdout for each that is kept.

python -m serving.log ADDRESS PROCESS
"""

import json
import os
import sys
from contextlib import suppress

from matchday.aside import step_aside
from serving.log.address import Address
from serving.log.event import events
from serving.log.frame import read
from serving.log.sink import Sink, open_sink


class Parent:
    """The worker that started this process, told of progress and of trouble."""

    def __init__(self) -> None:
        self._pid = os.getppid()

    def say(self, **message: object) -> None:
        """Write a line; end when nobody reads it any more."""
        if os.getppid() != self._pid:
            os._exit(1)
        try:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()
        except OSError:
            os._exit(1)

    def trouble(self, reason: str) -> None:
        """Say what holds the sink up."""
        self.say(trouble=reason)


def main(address: str, process: str) -> int:
    """Send until the worker has no more."""
    step_aside()
    parent = Parent()
    sink: Sink = open_sink(Address.parse(address), parent.trouble)
    while (frame := read(sys.stdin.buffer)) is not None:
        made = events(frame, process)
        parent.say(kept=len(made) - sink.write(made))
    with suppress(OSError):
        sink.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
