"""A name for content: the same rows in the same order have the same one, however stored."""

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LENGTH = 32
"""Hexadecimal digits of a fingerprint."""


def fingerprint(rows: pa.Table) -> str:
    """SHA-256 over names, types and values, column by column.

    Chunking, dictionary encoding on disk, compression and what lies beneath a null do not matter. NaN is
    null.
    """
    digest = hashlib.sha256(f"{rows.num_rows}".encode())
    for field in rows.schema:
        digest.update(f"\0{field.name}\0{field.type}\0".encode())
        for piece in _bytes(rows.column(field.name)):
            digest.update(piece)
    return digest.hexdigest()[:LENGTH]


def combine(prints: Iterable[str]) -> str:
    """One fingerprint of a sequence of them."""
    return hashlib.sha256("\n".join(prints).encode()).hexdigest()[:LENGTH]


def _bytes(column: pa.ChunkedArray) -> list[bytes]:
    """Which values are there, then the values: lengths and text of strings, else little-endian numbers."""
    there = np.packbits(~np.asarray(column.is_null(nan_is_null=True))).tobytes()
    if pa.types.is_string(column.type):
        filled = pc.fill_null(column, "")
        lengths = np.asarray(pc.binary_length(filled), dtype="<i4")
        return [there, lengths.tobytes(), "".join(filled.to_pylist()).encode()]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), 0.0, column).cast(column.type)
    values = np.asarray(pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0))
    return [there, values.astype(values.dtype.newbyteorder("<")).tobytes()]
