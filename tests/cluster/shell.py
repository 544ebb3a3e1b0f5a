"""Calls of other programs, with a failure that says what they printed."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Failure(Exception):
    """Something that the cluster test expects does not hold; the message says what."""


def need(program: str) -> str:
    """Path of a program. Raises Failure where it is missing."""
    found = shutil.which(program)
    if found is None:
        raise Failure(f"no {program} here: install it, or put it on the PATH")
    return found


def run(
    *command: str,
    seconds: float = 120,
    given: str | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> str:
    """What a command prints on stdout. given: its stdin. Raises Failure when it fails or takes longer."""
    try:
        done = subprocess.run(
            command,
            input=given,
            env={**os.environ, **(environ or {})},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{_short(command)} took more than {seconds:g} s") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-6:]
        raise Failure(f"{_short(command)} failed ({done.returncode}): {' | '.join(last)}")
    return done.stdout


def _short(command: Sequence[str]) -> str:
    line = " ".join((Path(command[0]).name, *command[1:]))
    return line if len(line) <= 100 else f"{line[:100]}..."
