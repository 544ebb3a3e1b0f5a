"""Objects below one root, in a folder or a bucket."""

from matchday.storage.errors import PreconditionFailed, StorageError
from matchday.storage.region import adopt_region
from matchday.storage.storage import Storage

__all__ = ["PreconditionFailed", "Storage", "StorageError", "adopt_region"]
