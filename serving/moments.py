"""Moments in requests and answers: ISO 8601 text to Unix seconds and back."""

from datetime import UTC, datetime, timedelta

from serving.protocol.errors import Refusal, quote

FIRST_YEAR, LAST_YEAR = 1888, 2100
"""Moments outside of these years are refused as typing errors."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(name: str, text: str) -> float:
    """Unix seconds of an ISO 8601 time, the value of input `name`.

    Raises Refusal when it is not such a time, has no offset or lies outside of `FIRST_YEAR` to `LAST_YEAR`.
    """
    try:
        moment = datetime.fromisoformat(f"{text[:-1]}Z" if text.endswith("z") and text[-2:-1].isdecimal() else text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Refusal(f"{name} {quote(text)} is not a time of ISO 8601 with its offset, such as 2026-05-24T15:00:00Z")
    return (moment - EPOCH).total_seconds()


def iso(moment: float) -> str:
    """ISO 8601 in UTC of Unix seconds, to the second."""
    return (EPOCH + timedelta(seconds=int(moment))).isoformat().removesuffix("+00:00") + "Z"
