"""Tables below one root, versioned by content; safe for concurrent writers."""

from matchday.lake.errors import LakeError
from matchday.lake.lake import Lake
from matchday.lake.version import KEPT

__all__ = ["KEPT", "Lake", "LakeError"]
