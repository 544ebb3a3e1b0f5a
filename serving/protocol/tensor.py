"""Tensors of the Open Inference Protocol V2: from JSON values or raw bytes to arrays, and back."""

import math
import struct
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from serving.protocol.errors import Refusal, join_names, quote

Array = npt.NDArray[Any]

DTYPES: dict[str, str] = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
"""Datatype of the protocol -> numpy dtype of its little-endian bytes. BYTES is not among them: its items are texts."""

DATATYPES = (*DTYPES, "BYTES")

LARGEST = {name: float(np.finfo(DTYPES[name]).max) for name in ("FP16", "FP32")}
"""Numbers within these cannot be rounded to infinity, so that the array needs no check."""

Items = tuple[frozenset[type], str]

WHOLE: Items = (frozenset({int}), "whole numbers")
ITEMS: dict[str, Items] = {
    "BYTES": (frozenset({str}), "texts"),
    "BOOL": (frozenset({bool}), "true or false"),
    **dict.fromkeys(("FP16", "FP32", "FP64"), (frozenset({int, float}), "numbers")),
}
"""Datatype -> types that items of its `data` may have, and their name in messages; `WHOLE` for the others."""


class Tensor(NamedTuple):
    """A named tensor. values: a numpy array of `shape`, or for BYTES a flat list of texts."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Array | list[str]


def decode(name: str, datatype: str, shape: tuple[int, ...], data: list[Any]) -> Tensor:
    """A tensor from the `data` of a JSON request: flat in row-major order, or nested as its shape.

    Raises Refusal: items of the wrong type or number, out of range, ragged, or not finite.
    """
    count = math.prod(shape)
    if len(data) > count:
        raise _wrong_count(name, len(data), shape, count)
    types = set(map(type, data))
    items = data
    if list in types:
        items = flatten(name, data, shape)
        types = set(map(type, items))
    if len(items) != count:
        raise _wrong_count(name, len(items), shape, count)
    _require_types(name, datatype, types)
    if datatype == "BYTES":
        return Tensor(name, datatype, shape, items)
    return Tensor(name, datatype, shape, _array(name, datatype, items).reshape(shape))


def _wrong_count(name: str, items: int, shape: Sequence[int], count: int) -> Refusal:
    return Refusal(f"input {quote(name)} has {items} items, its shape {list(shape)} asks for {count}")


def decode_bytes(name: str, datatype: str, shape: tuple[int, ...], raw: bytes) -> Tensor:
    """A tensor from the raw bytes of a binary request (little-endian; BYTES items carry their length).

    Raises Refusal: a size that is not that of the shape, text that is not UTF-8, numbers that are not finite.
    """
    count = math.prod(shape)
    if datatype == "BYTES":
        texts = _texts(name, raw, count)
        return Tensor(name, datatype, shape, texts)
    dtype = np.dtype(DTYPES[datatype])
    if len(raw) != count * dtype.itemsize:
        raise Refusal(
            f"input {quote(name)}: {datatype} of shape {list(shape)} takes {count * dtype.itemsize} bytes,"
            f" binary_data_size says {len(raw)}"
        )
    values = np.frombuffer(raw, dtype).reshape(shape)
    _require_finite(name, values)
    return Tensor(name, datatype, shape, values)


def encode_bytes(tensor: Tensor) -> bytes:
    """The raw bytes of a tensor, as `decode_bytes` reads them."""
    if isinstance(tensor.values, list):
        texts = [text.encode() for text in tensor.values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.ascontiguousarray(tensor.values, DTYPES[tensor.datatype]).tobytes()


def flatten(name: str, data: list[Any], shape: Sequence[int]) -> list[Any]:
    """The items of nested `data` in row-major order. Raises Refusal when nested otherwise than `shape`."""
    rows = data
    for size in shape[1:]:
        if set(map(type, rows)) != {list} or set(map(len, rows)) != {size}:
            raise Refusal(f"input {quote(name)}: data is nested otherwise than its shape {list(shape)} says")
        rows = list(chain.from_iterable(rows))
    return rows


def _array(name: str, datatype: str, items: list[Any]) -> Array:
    if datatype in LARGEST and _within(items, LARGEST[datatype]):
        return np.array(items, DTYPES[datatype])
    try:
        with np.errstate(over="ignore"):
            values = np.array(items, DTYPES[datatype])
    except OverflowError:
        raise Refusal(f"input {quote(name)} has a number out of the range of {datatype}") from None
    _require_finite(name, values)
    return values


def _within(items: list[Any], limit: float) -> bool:
    """Whether all numbers are within a limit. False with a NaN: `min` and `max` may pass over it, the sum cannot."""
    return -limit <= min(items) and max(items) <= limit and not math.isnan(sum(items))


def _require_finite(name: str, values: Array) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Refusal(f"input {quote(name)} has a number that is not finite: NaN and infinities are refused")


def _require_types(name: str, datatype: str, types: set[type]) -> None:
    wanted, words = ITEMS.get(datatype, WHOLE)
    if not types <= wanted:
        other = types - wanted
        found = join_names(sorted(JSON_NAMES.get(kind, kind.__name__) for kind in other))
        raise Refusal(f"input {quote(name)} is {datatype}: its data must be {words}, found {found}")


JSON_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "true/false",
    str: "text",
    list: "a list",
    dict: "an object",
    float: "a fraction",
    int: "a number",
}


def _texts(name: str, raw: bytes, count: int) -> list[str]:
    texts = []
    for item in _chunks(name, raw):
        try:
            texts.append(item.decode())
        except UnicodeDecodeError:
            raise Refusal(f"input {quote(name)}: item {len(texts) + 1} is not valid UTF-8") from None
    if len(texts) != count:
        raise Refusal(f"input {quote(name)} has {len(texts)} items in its bytes, its shape asks for {count}")
    return texts


def _chunks(name: str, raw: bytes) -> Iterable[bytes]:
    at = 0
    while at < len(raw):
        end = at + 4
        if end <= len(raw):
            end += int.from_bytes(raw[at : at + 4], "little")
        else:
            end = len(raw) + 1
        if end > len(raw):
            raise Refusal(f"input {quote(name)}: the length of an item runs past the end of its bytes")
        yield raw[at + 4 : end]
        at = end
