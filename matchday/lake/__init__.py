"""Tables below one root, versioned by content; safe for concurrent writers.

`Lake` is imported when it is first asked for: it takes a second, and `matchday.lake.reader` does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matchday.lake.errors import LakeError
    from matchday.lake.lake import Lake
    from matchday.lake.version import KEPT
else:
    HOMES = {"KEPT": "version", "Lake": "lake", "LakeError": "errors"}

    def __getattr__(name: str) -> object:
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)


__all__ = ["KEPT", "Lake", "LakeError"]
