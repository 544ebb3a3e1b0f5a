"""Frames of Kafka records on the pipe from a worker to the process that sends them, lengths before contents.

The records are made while their requests are answered; on the other side they are cut out by length, unparsed.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from matchday.events.envelope import HEADERS, KafkaRecord

_LENGTH = struct.Struct("!I")
_LENGTHS = struct.Struct(f"!{len(HEADERS) + 2}I")


def pack_record(record: KafkaRecord) -> bytes:
    """One record: lengths of all its parts, then the parts."""
    parts = (record.key, *record.headers, record.value)
    return _LENGTHS.pack(*map(len, parts)) + b"".join(parts)


def pack_frame(content: bytes) -> bytes:
    """A frame: its length, then its content."""
    return _LENGTH.pack(len(content)) + content


def unpack_records(content: bytes) -> Iterator[KafkaRecord]:
    """The records of a frame's content."""
    place = 0
    while place < len(content):
        lengths = _LENGTHS.unpack_from(content, place)
        place += _LENGTHS.size
        parts = []
        for length in lengths:
            parts.append(content[place : place + length])
            place += length
        yield KafkaRecord(parts[0], tuple(parts[1:-1]), parts[-1])


def read_frame(stream: BinaryIO) -> bytes | None:
    """The content of the next frame; None at the end of the stream, also when it ends within a frame."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    content = stream.read(length)
    return content if len(content) == length else None


def join_frame(records: Sequence[bytes]) -> bytes:
    """A frame of packed records."""
    return pack_frame(b"".join(records))
