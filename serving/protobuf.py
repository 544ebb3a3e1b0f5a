"""Fields of protobuf messages, read without a schema.

https://protobuf.dev/programming-guides/encoding
"""

from matchday.varint import decode_varint

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
"""Wire types; groups, which are out of use, are not among them."""
FIXED = {FIXED_64: 8, FIXED_32: 4}


def read_field(message: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the field at a place, where its content begins, and where it ends; a number has no content.

    The end may lie beyond that of the message. Raises ValueError for an unknown wire type, IndexError where a tag, a
    number or a length is cut short.
    """
    tag, at = decode_varint(message, at)
    kind = tag & 7
    if kind == VARINT:
        _, at = decode_varint(message, at)
        return tag, at, at
    if kind == BYTES:
        length, at = decode_varint(message, at)
        return tag, at, at + length
    if kind in FIXED:
        return tag, at + FIXED[kind], at + FIXED[kind]
    raise ValueError(f"wire type {kind}")
