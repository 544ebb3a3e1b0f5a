"""Protobuf's integers: base 128, least digit first."""


def encode_varint(number: int) -> bytes:
    """A signed 64-bit integer; a negative one takes ten bytes."""
    if 0 <= number < 0x80:
        return bytes((number,))
    number &= 2**64 - 1
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def decode_varint(raw: bytes, at: int = 1) -> tuple[int, int]:
    """An unsigned number of at most ten bytes, and where it ends. Raises IndexError for any other."""
    number = 0
    for shift in range(0, 70, 7):
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
    raise IndexError(at)


def signed(number: int) -> int:
    """The signed 64-bit integer of an unsigned one."""
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
