"""The commit that this code is of."""

import os
import subprocess

from matchday.settings import REPOSITORY

UNKNOWN = "unknown"


def commit() -> str:
    """Git commit of the code: `MATCHDAY_COMMIT` in an image, else the checkout's HEAD, else `unknown`."""
    if said := os.environ.get("MATCHDAY_COMMIT"):
        return said
    try:
        asked = ("git", "-C", str(REPOSITORY), "rev-parse", "HEAD")
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
