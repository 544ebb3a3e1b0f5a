"""The pointer of a table, `TABLE/current.json`, replaced by compare-and-swap."""

from matchday.lake.errors import LakeError
from matchday.lake.version import UnknownFormat, Version
from matchday.storage import Storage


class Pointer:
    """Which version of a table is current."""

    def __init__(self, storage: Storage, table: str) -> None:
        self._storage = storage
        self._path = f"{table}/current.json"
        self.address = storage.address(self._path)

    def read(self) -> Version | None:
        """The current version; None when there is none. Raises LakeError when the pointer is damaged."""
        try:
            return self._parse(self._storage.read(self._path))
        except FileNotFoundError:
            return None

    def read_tagged(self) -> tuple[Version | None, str | None]:
        """The current version, and the tag that `replace` takes. Raises LakeError when the pointer is damaged."""
        try:
            content, tag = self._storage.read_tagged(self._path)
        except FileNotFoundError:
            return None, None
        return self._parse(content), tag

    def replace(self, version: Version, tag: str | None) -> None:
        """Make a version the current one, if that read with the tag still is. Raises PreconditionFailed."""
        self._storage.replace_if(self._path, version.to_json(), tag)

    def _parse(self, content: bytes) -> Version:
        try:
            return Version.from_json(content)
        except UnknownFormat as later:
            raise LakeError(f"{self.address}: has format {later} of a later release; use that one, or later") from None
        except (KeyError, TypeError, ValueError):
            raise LakeError(f"{self.address}: is damaged; delete it and write the table again") from None
