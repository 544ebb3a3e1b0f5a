"""The commit that this code is of."""

import os
import subprocess

from matchday.settings import REPOSITORY

UNKNOWN = "unknown"


def commit() -> str:
    """Git commit of the code: `MATCHDAY_COMMIT` in an image, else the checkout's HEAD, else `unknown`.

    A checkout with changes that are not committed has `-dirty` behind it.
    """
    if said := os.environ.get("MATCHDAY_COMMIT"):
        return said
    try:
        head = _git("rev-parse", "HEAD")
        return f"{head}-dirty" if _git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN


def _git(*arguments: str) -> str:
    command = ("git", "-C", str(REPOSITORY), *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
