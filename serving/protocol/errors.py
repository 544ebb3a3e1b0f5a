"""Requests that are not answered: the sentence that the client gets, and the status."""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus

from matchday.errors import MatchdayError

QUOTED_CHARACTERS = 40

MOST_ROWS_NAMED = 1000
"""Most rows that one refusal names: gRPC sends them as metadata, of which clients take 8 KB."""

CLOSE = ("connection", "close")
"""Header that ends an HTTP connection: for a body that is left unread, as nothing more can be asked then."""


class Refusal(MatchdayError):
    """A request that is not answered. The message tells the client what to change.

    headers: of the HTTP reply. rows: indices of the rows that it is refused for, at most `MOST_ROWS_NAMED`: the others
    would be answered.
    logged: whether a log line was written for it.
    """

    def __init__(
        self,
        message: str,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        headers: tuple[tuple[str, str], ...] = (),
        rows: Sequence[int] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.rows = rows[:MOST_ROWS_NAMED]
        self.logged = False

    def without_names(self) -> "Refusal":
        """The same for a client that did not send the token: no model, version or reason is named."""
        words = HTTPStatus(self.status).phrase.lower()
        return Refusal(f"{words}: send the token to be told why", self.status, self.headers)


class Unavailable(MatchdayError):
    """The server cannot answer now, whatever is asked: the model or its features are out of reach (503)."""


class NotFinite(Unavailable):
    """The model gives no finite answer for some rows of a request. rows: their indices."""

    def __init__(self, model: str, rows: Sequence[int], count: int, why: str = "") -> None:
        """count: of all rows of the request. why: end of the message."""
        self.rows = rows
        names = f"row {rows[0]}" if len(rows) == 1 else f"rows {join_names(rows[:5])}"
        more = f" and {len(rows) - 5} others" if len(rows) > 5 else ""
        of = f" of {count}, counted from 0" if count > 1 else ""
        super().__init__(f"{model} gives no finite answer for {names}{more}{of}{why}")


class DeadlineExceeded(MatchdayError):
    """An answer was not found in the time that a request may take (504)."""


def quote(value: object) -> str:
    """A value from a client for a message: quoted, on one line, at most 40 characters of it."""
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > QUOTED_CHARACTERS:
            return f"{text[:QUOTED_CHARACTERS]}..."
    return text


def _pieces(value: object) -> Iterator[str]:
    """The parts of `ascii(value)` one by one: a list of a million items costs no more than its first ones."""
    if isinstance(value, str):
        yield ascii(value[: QUOTED_CHARACTERS + 1])
    elif isinstance(value, list):
        yield "["
        for place, each in enumerate(value):
            yield ", " if place else ""
            yield from _pieces(each)
        yield "]"
    elif isinstance(value, dict):
        yield "{"
        for place, (name, each) in enumerate(value.items()):
            yield ", " if place else ""
            yield from _pieces(name)
            yield ": "
            yield from _pieces(each)
        yield "}"
    else:
        yield ascii(value)


def join_names(names: Iterable[object]) -> str:
    """Names for a message: `A, B, C`, or `none`."""
    return ", ".join(str(name) for name in names) or "none"
