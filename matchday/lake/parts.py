"""Parquet files of the lake, named by the SHA-256 of their bytes."""

import hashlib
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from matchday.lake.errors import LakeError
from matchday.lake.version import Part
from matchday.storage import Storage
from matchday.tables.fingerprint import fingerprint

NAME = 32
"""Hexadecimal digits of the SHA-256 in a file's name."""


class PartFiles:
    """Reads and writes parts below a root."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def put(self, folder: str, season: str | None, rows: pa.Table) -> Part:
        """Write rows as one part. The same rows have the same path, so writing them twice changes nothing."""
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd", store_schema=False)
        content = bytes(sink.getvalue().to_pybytes())
        sha256 = hashlib.sha256(content).hexdigest()
        path = f"{folder}/season={season}/{sha256[:NAME]}.parquet" if season else f"{folder}/{sha256[:NAME]}.parquet"
        self._storage.write(path, content)
        return Part(path, season, rows.num_rows, sha256, fingerprint(rows))

    def get(self, part: Part) -> pa.Table:
        """The rows of a part. Raises FileNotFoundError, or LakeError when it is damaged."""
        return pq.ParquetFile(pa.BufferReader(self.content(part))).read()  # read_table imports pandas

    def content(self, part: Part) -> bytes:
        """The bytes of a part. Raises FileNotFoundError, or LakeError when it is damaged."""
        content = self._storage.read(part.path)
        if hashlib.sha256(content).hexdigest() != part.sha256:
            raise LakeError(f"{self._storage.address(part.path)}: is not what was written; write the table again")
        return content

    def holds(self, part: Part) -> bool:
        """Whether the part is there and is what was written."""
        try:
            self.content(part)
        except (FileNotFoundError, LakeError):
            return False
        return True

    def with_fingerprint(self, part: Part) -> Part:
        """The part with the fingerprint of its rows, which format 1 did not store. Raises as `get`."""
        return part if part.fingerprint else replace(part, fingerprint=fingerprint(self.get(part)))
