"""The hash that names Feast's Redis fields."""

import mmh3
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.feast_layout.murmur import murmur3_32


@given(data=some.binary(max_size=70), seed=some.integers(0, 2**32 - 1))
def test_hash_is_that_of_the_reference_library(data: bytes, seed: int) -> None:
    assert murmur3_32(data, seed) == mmh3.hash(data, seed, signed=False)


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [(b"", 0, 0), (b"", 1, 0x514E28B7), (b"\xff\xff\xff\xff", 0, 0x76293B50), (b"Hello, world!", 1234, 0xFAF6CDB3)],
)
def test_hash_has_the_published_values(data: bytes, seed: int, expected: int) -> None:
    assert murmur3_32(data, seed) == expected
