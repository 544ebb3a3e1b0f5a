"""Compressed request bodies: gzip and deflate, inflated to the size limit of bodies and no further."""

import zlib
from http import HTTPStatus

from serving.protocol.errors import Refusal, quote

ENCODINGS = ("gzip", "deflate")
GZIP_WINDOW, ZLIB_WINDOW, RAW_WINDOW = zlib.MAX_WBITS + 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The content of a body with this `Content-Encoding`.

    Never inflates more than `limit` + 1 bytes. Raises Refusal: 415 for another encoding, 413 for a content beyond the
    limit, 400 for a body that is not what the encoding says.
    """
    window = _window(encoding, body)
    if window is None:
        return body
    stream = zlib.decompressobj(window)
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error:
        raise Refusal(f"the body is not {quote(encoding)}, as its Content-Encoding says") from None
    if len(content) > limit:
        raise Refusal(
            f"the body is larger than {limit} bytes once inflated: send fewer rows at once",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
    if not stream.eof:
        raise Refusal(f"the body ends before its {quote(encoding)} stream does")
    if stream.unused_data:
        raise Refusal(f"{len(stream.unused_data)} bytes follow the {quote(encoding)} stream of the body")
    return content


def _window(encoding: str, body: bytes) -> int | None:
    """How zlib is to read the body; None for a body as it is. Raises Refusal (415)."""
    names = [name for each in encoding.split(",") if (name := each.strip().lower()) not in ("", "identity")]
    if not names:
        return None
    if names in (["gzip"], ["x-gzip"]):
        return GZIP_WINDOW
    if names == ["deflate"]:
        return ZLIB_WINDOW if _has_zlib_header(body) else RAW_WINDOW
    raise Refusal(
        f"Content-Encoding {quote(encoding)} is not read here: send the body by gzip, by deflate or as it is",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        (("accept-encoding", ", ".join(ENCODINGS)),),
    )


def _has_zlib_header(body: bytes) -> bool:
    """RFC 1950. Some clients send `deflate` without it, as RFC 9110 notes."""
    return len(body) > 1 and body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
