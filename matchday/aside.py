"""A process beside a busy server, which does for it what may be done a moment later."""

import os
import signal

NICENESS = 10
"""Requests come first."""


def step_aside() -> None:
    """Give way to the server. It decides when this process ends, so signals to the group are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICENESS)
