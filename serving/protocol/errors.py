"""Requests that are not answered: the sentence that the client gets, and the status."""

from collections.abc import Iterable
from http import HTTPStatus

from matchday.errors import MatchdayError

QUOTED_CHARACTERS = 40

CLOSE = ("connection", "close")
"""Header that ends an HTTP connection: for a body that is left unread, as nothing more can be asked then."""


class Refusal(MatchdayError):
    """A request that is not answered. The message tells the client what to change.

    headers: of the HTTP reply. logged: whether a log line was written for it.
    """

    def __init__(
        self,
        message: str,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.logged = False


class Unavailable(MatchdayError):
    """The server cannot answer now, whatever is asked: the model or its features are out of reach (503)."""


class DeadlineExceeded(MatchdayError):
    """An answer was not found in the time that a request may take (504)."""


class Disconnected(Exception):
    """The client closed the connection before its request was complete: there is nobody to answer."""


def quote(value: object) -> str:
    """A value from a client for a message: quoted, on one line, at most 40 characters of it."""
    text = ascii(value) if not isinstance(value, str) else ascii(value[: QUOTED_CHARACTERS + 1])
    return text if len(text) <= QUOTED_CHARACTERS else f"{text[:QUOTED_CHARACTERS]}..."


def join_names(names: Iterable[object]) -> str:
    """Names for a message: `A, B, C`, or `none`."""
    return ", ".join(str(name) for name in names) or "none"
