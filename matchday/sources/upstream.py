"""A source on the internet: asked politely, its answers kept as they came."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from matchday.errors import MatchdayError
from matchday.http import SILENCE_SECONDS, AnswerTooLarge, HttpAnswer, HttpClient, HttpError, HttpUnreachable
from matchday.sources.raw import RawAnswer, RawAnswers
from matchday.telemetry import span

TRIES = 4
"""Of one request, while the source does not answer, is busy or fails."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
"""Pauses between tries double, and are drawn at random below that; a source that asks for longer is left alone."""

MOST_DIGITS = 9
"""Of `Retry-After`: thirty years."""

LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}
Request = tuple[str, tuple[tuple[str, str], ...]]
"""Path and query of a GET."""

USER_AGENT = "matchday (football forecasts; one polite reader)"


class SourceError(MatchdayError):
    """A source that gave nothing usable. The message names it, the reason, and what to do.

    reachable: it answered, with what cannot be used.
    """

    def __init__(self, message: str, *, reachable: bool = False) -> None:
        super().__init__(message)
        self.reachable = reachable


@dataclass(frozen=True)
class Received:
    """An answer of a source. fresh: it was not there before. origin: how it is kept."""

    body: bytes
    origin: RawAnswer
    fresh: bool

    @property
    def known_at(self) -> datetime:
        """When this very content was first received, UTC."""
        return self.origin.moment


class Upstream:
    """One source in one update. Every answer is kept in `RawAnswers`; what was kept is asked for by its validators.

    Nothing is asked for twice: a request that was answered, or failed, has the same outcome again. received: the
    answers so far.

    A request waits until `pace_seconds` have passed since the one before; it is repeated while the source does not
    answer, is busy (429), fails (5xx) or gives a copy that is older than what it gave before (by `Last-Modified`),
    after a random pause or the time that `Retry-After` asks for.
    """

    def __init__(
        self,
        name: str,
        url: str,
        answers: RawAnswers,
        *,
        headers: Mapping[str, str] | None = None,
        pace_seconds: float = 0.0,
        silence_seconds: float = SILENCE_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """headers: of every request, such as a token. Raises SourceError for an address that is malformed."""
        self.name = name
        self._with_token = bool(headers)
        try:
            self._client = HttpClient(
                url, {"user-agent": USER_AGENT, **(headers or {})}, silence_seconds=silence_seconds
            )
        except HttpError as error:
            raise SourceError(f"{name}: {error}") from None
        self._answers = answers
        self._pace_seconds, self._next = pace_seconds, 0.0
        self._now, self._sleep = now, sleep
        self.requests = 0
        self.received: dict[Request, Received] = {}
        self._failed: dict[Request, SourceError] = {}

    @contextmanager
    def read(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Received]:
        """The answer to GET `path`, for a block that reads it.

        When the block ends without an exception the answer counts as readable: only then is it asked for by its
        validators next time. Raises SourceError.
        """
        received = self.receive(path, query)
        yield received
        if not received.origin.read:
            self._answers.mark_read(received.origin)

    def receive(self, path: str, query: Mapping[str, str] | None = None) -> Received:
        """The answer to GET `path`, which nobody has read yet. Raises SourceError."""
        request = path, tuple((query or {}).items())
        if request in self._failed:
            raise self._failed[request]
        if request not in self.received:
            try:
                self.received[request] = self._fetch(path, query)
            except SourceError as why:
                self._failed[request] = why
                raise
        return self.received[request]

    def _fetch(self, path: str, query: Mapping[str, str] | None) -> Received:
        address = self._client.url + path + (f"?{urlencode(query)}" if query else "")
        kept = self._answers.newest(address)
        with span("fetch", kind="client", source=self.name):
            answer = self._ask(path, query, kept)
        if answer.status == HTTPStatus.NOT_MODIFIED and kept is not None:
            return Received(self._answers.body(kept.sha256), kept, fresh=False)
        etag, modified = (answer.headers.get(header, "") for header in ("etag", "last-modified"))
        origin = self._answers.keep(address, answer.body, self._now(), etag, modified)
        return Received(answer.body, origin, fresh=kept is None or origin.sha256 != kept.sha256)

    def _ask(self, path: str, query: Mapping[str, str] | None, kept: RawAnswer | None) -> HttpAnswer:
        reason, reachable, headers = "", False, _validators(kept)
        for number in range(TRIES):
            self._wait_for_turn()
            pause = random.uniform(0, FIRST_PAUSE_SECONDS * 2**number)
            try:
                answer = self._client.get(path, query, headers=headers)
            except AnswerTooLarge as error:
                raise SourceError(f"{self.name}: {error}", reachable=True) from None
            except HttpUnreachable as error:
                reason, reachable = str(error), False
            except HttpError as error:
                raise SourceError(f"{self.name}: {error}") from None
            else:
                reason, reachable = self._find_fault(path, answer, kept), True
                if not reason:
                    return answer
                pause = _asked_pause(answer, self._now()) or pause
            if pause > LONGEST_PAUSE_SECONDS:
                raise SourceError(f"{self.name}: {reason} and asks to come back in {pause:.0f} s", reachable=True)
            headers = {**_validators(kept), "cache-control": "no-cache"}
            if number + 1 < TRIES:
                self._sleep(pause)
        raise SourceError(f"{self.name}: {reason} (asked {TRIES} times)", reachable=reachable)

    def _find_fault(self, path: str, answer: HttpAnswer, kept: RawAnswer | None) -> str:
        """Why an answer is of no use now, though another may be; empty for a good one.

        Raises SourceError for one that will not be better for asking again.
        """
        where = f"{self._client.url}{path}"
        if answer.status == HTTPStatus.OK:
            if kept is None or not _is_older(answer.headers.get("last-modified", ""), kept.last_modified):
                return ""
            older, newer = answer.headers["last-modified"], kept.last_modified
            return f"{where} gives an old copy, of {older}; that of {newer} is known"
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return "" if kept is not None else f"{where} answers {answer.status}, and nothing of it is known here"
        if answer.status in LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"{where} answers {answer.status}"
        raise SourceError(f"{self.name}: {where} answers {answer.status}{self._remedy(answer.status)}", reachable=True)

    def _remedy(self, status: int) -> str:
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ": see that its token is right" if self._with_token else ": it refuses this machine; try again later"
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return ": it has moved; give its new address"
        return ""

    def _wait_for_turn(self) -> None:
        if (wait := self._next - time.monotonic()) > 0:
            self._sleep(wait)
        self._next = time.monotonic() + self._pace_seconds
        self.requests += 1


def parse_json(source: str, received: Received) -> Any:
    """The answer as JSON. Raises SourceError that says what came instead."""
    try:
        return json.loads(received.body)
    except (ValueError, RecursionError):
        start = received.body[:40].decode("utf-8", "replace").strip()
        raise SourceError(
            f"{source}: {received.origin.address} gives no whole JSON ({len(received.body):,} bytes, beginning"
            f" {start!r}); what is known stays, try again later",
            reachable=True,
        ) from None


def _validators(kept: RawAnswer | None) -> dict[str, str]:
    if kept is None:
        return {}
    both = {"if-none-match": kept.etag, "if-modified-since": kept.last_modified}
    return {header: value for header, value in both.items() if value}


def _asked_pause(answer: HttpAnswer, now: datetime) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or a date; None without a readable one."""
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked[:MOST_DIGITS])
    try:
        moment = parsedate_to_datetime(asked)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def _is_older(modified: str, known: str) -> bool:
    """Whether a date of `Last-Modified` lies before another; not when one of them is none."""
    try:
        return parsedate_to_datetime(modified) < parsedate_to_datetime(known)
    except (TypeError, ValueError):
        return False
