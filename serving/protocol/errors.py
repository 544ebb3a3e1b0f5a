"""Refusals: what a client is told, and with which HTTP status."""

from collections.abc import Iterable
from http import HTTPStatus

from matchday.errors import MatchdayError

SHOWN = 40


class Refusal(MatchdayError):
    """A request that is not answered. The message tells the client what to change. told: the log knows of it."""

    def __init__(
        self,
        message: str,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        headers: tuple[tuple[str, str], ...] = (),
        told: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.told = told


class Unavailable(MatchdayError):
    """The server cannot answer now, whatever is asked: the model or its features are out of reach (503)."""


def shown(value: object) -> str:
    """A value of a client's for a message: quoted, on one line, at most 40 characters of it."""
    text = ascii(value) if not isinstance(value, str) else ascii(value[: SHOWN + 1])
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def listed(names: Iterable[object]) -> str:
    """Names for a message: `A, B, C`, or `none`."""
    return ", ".join(str(name) for name in names) or "none"
