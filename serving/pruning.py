"""A graph without what one of its outputs does not need, so that nobody waits for outputs that he did not ask for.

ONNX Runtime computes every node of a graph, whichever outputs are asked for. Works on the bytes of the ONNX file, since
the server has no other reader of them: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from collections.abc import Iterator
from typing import NamedTuple

from matchday.varint import encode_varint
from serving.protobuf import BYTES, read_field

MODEL_GRAPH = 7
NODE, INITIALIZER, OUTPUT, VALUE_INFO = 1, 5, 12, 13
"""Fields of a GraphProto."""
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR = 1, 2, 4
NESTING = {b"If", b"Loop", b"Scan", b"SequenceMap"}
"""Operators with graphs inside of them, which may read any value around them."""
TENSOR_NAME, VALUE_NAME = 8, 1


class Field(NamedTuple):
    """One field of a message. raw: all of its bytes. content: what it holds, empty for a number."""

    number: int
    raw: bytes
    content: bytes


def prune(onnx: bytes, output: str) -> bytes | None:
    """The same graph with this output alone and the nodes that it needs.

    None where that cannot be told: for a graph with graphs inside of it, and for bytes that are no model.
    """
    try:
        model = list(_fields(onnx))
        [graph] = [each.content for each in model if each.number == MODEL_GRAPH]
        kept = _needed(list(_fields(graph)), output)
    except (IndexError, ValueError):
        return None
    if kept is None:
        return None
    body = b"".join(each.raw for each in kept)
    return b"".join(_message(MODEL_GRAPH, body) if each.number == MODEL_GRAPH else each.raw for each in model)


def _needed(graph: list[Field], output: str) -> list[Field] | None:
    """The fields of a graph that an output needs; None where a node has a graph inside of it."""
    nodes = [each.content for each in graph if each.number == NODE]
    values, chosen = {output.encode()}, set()
    for place, node in reversed(list(enumerate(nodes))):
        if values.isdisjoint(_texts(node, NODE_OUTPUT)):
            continue
        if not NESTING.isdisjoint(_texts(node, NODE_OPERATOR)):
            return None
        chosen.add(place)
        values |= {*_texts(node, NODE_INPUT), *_texts(node, NODE_OUTPUT)}
    names = {INITIALIZER: TENSOR_NAME, VALUE_INFO: VALUE_NAME}
    kept, place = [], -1
    for each in graph:
        if each.number == NODE:
            place += 1
            needed = place in chosen
        elif each.number == OUTPUT:
            needed = output.encode() in _texts(each.content, VALUE_NAME)
        else:
            needed = each.number not in names or not values.isdisjoint(_texts(each.content, names[each.number]))
        kept += [each] if needed else []
    return kept


def _texts(message: bytes, number: int) -> list[bytes]:
    """The contents of the fields of this number."""
    return [each.content for each in _fields(message) if each.number == number]


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a message in order. Raises IndexError or ValueError for what is none."""
    at = 0
    while at < len(message):
        tag, content, end = read_field(message, at)
        if end > len(message):
            raise IndexError(end)
        yield Field(tag >> 3, message[at:end], message[content:end])
        at = end


def _message(number: int, content: bytes) -> bytes:
    return encode_varint(number << 3 | BYTES) + encode_varint(len(content)) + content
