"""MurmurHash3, the 32-bit variant for x86: how Feast names the fields of its Redis hashes."""

MASK = 0xFFFFFFFF


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """The hash, 0 to 2**32 - 1. Appleby (2011), https://github.com/aappleby/smhasher, MurmurHash3_x86_32."""
    state = seed
    for at in range(0, len(data) - 3, 4):
        state = _rotate(state ^ _mixed(int.from_bytes(data[at : at + 4], "little")), 13) * 5 + 0xE6546B64 & MASK
    state ^= _mixed(int.from_bytes(data[len(data) & ~3 :], "little")) ^ len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & MASK
    state = (state ^ state >> 13) * 0xC2B2AE35 & MASK
    return state ^ state >> 16


def _mixed(block: int) -> int:
    return _rotate(block * 0xCC9E2D51 & MASK, 15) * 0x1B873593 & MASK


def _rotate(number: int, bits: int) -> int:
    return (number << bits | number >> 32 - bits) & MASK
