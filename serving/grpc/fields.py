"""Fields at the top of a protobuf message, counted before it is parsed: parsing millions of them would take long.

https://protobuf.dev/programming-guides/encoding
"""

from matchday.varint import decode_varint

MOST_FIELDS = 256
"""Inputs, outputs, parameters and raw contents of one request."""

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types; groups, which are out of use, are not among them."""


def has_many_fields(body: bytes) -> bool:
    """Whether a message has more than `MOST_FIELDS`, or is none that this protocol writes. Skips what they hold."""
    at = fields = 0
    try:
        while at < len(body):
            fields += 1
            tag, at = decode_varint(body, at)
            kind = tag & 7
            if fields > MOST_FIELDS or kind not in (VARINT, FIXED64, LENGTH, FIXED32):
                return True
            if kind == VARINT:
                _, at = decode_varint(body, at)
            elif kind == LENGTH:
                size, at = decode_varint(body, at)
                at += size
            else:
                at += 8 if kind == FIXED64 else 4
    except IndexError:
        return False  # cut short: the parser refuses it
    return False
