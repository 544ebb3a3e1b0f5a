"""Lua scripts that run inside Redis, each behind the functions that they share."""

import hashlib
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Script(NamedTuple):
    """A script and the hash by which Redis knows it once it is loaded."""

    text: str
    sha: str


def load_script(name: str) -> Script:
    """The script of this name."""
    text = "\n".join((FOLDER / f"{part}.lua").read_text(encoding="utf-8") for part in ("rows", name))
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
