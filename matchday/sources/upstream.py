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
from matchday.http import AnswerTooLarge, HttpAnswer, HttpClient, HttpError, HttpUnreachable
from matchday.sources.raw import RawAnswer, RawAnswers
from matchday.telemetry import span

TRIES = 4
"""Of one request, while the source does not answer, is busy or fails."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
"""Pauses between tries double, and are drawn at random below that; a source that asks for longer is left alone."""

LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}
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
    """One source. Every answer is kept in `RawAnswers`; what was kept is asked for by its validators.

    A request waits until `pace_seconds` have passed since the one before; it is repeated while the source does not
    answer, is busy (429) or fails (5xx), after a random pause or the time that `Retry-After` asks for.
    """

    def __init__(
        self,
        name: str,
        url: str,
        answers: RawAnswers,
        *,
        headers: Mapping[str, str] | None = None,
        pace_seconds: float = 0.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """headers: of every request, such as a token. Raises SourceError for an address that is malformed."""
        self.name = name
        try:
            self._client = HttpClient(url, {"user-agent": USER_AGENT, **(headers or {})})
        except HttpError as error:
            raise SourceError(f"{name}: {error}") from None
        self._answers = answers
        self._pace_seconds, self._next = pace_seconds, 0.0
        self._now, self._sleep = now, sleep
        self.requests = 0

    @contextmanager
    def read(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Received]:
        """The answer to GET `path`, for a block that reads it.

        When the block ends without an exception the answer counts as readable: only then is it asked for by its
        validators next time. Raises SourceError.
        """
        received = self._receive(path, query)
        yield received
        if not received.origin.read:
            self._answers.mark_read(received.origin)

    def _receive(self, path: str, query: Mapping[str, str] | None) -> Received:
        address = self._client.url + path + (f"?{urlencode(query)}" if query else "")
        kept = self._answers.newest(address)
        with span("fetch", kind="client", source=self.name):
            answer = self._ask(path, query, _validators(kept))
        if answer.status == HTTPStatus.NOT_MODIFIED and kept is not None:
            return Received(self._answers.body(kept.sha256), kept, fresh=False)
        etag, modified = (answer.headers.get(header, "") for header in ("etag", "last-modified"))
        origin = self._answers.keep(address, answer.body, self._now(), etag, modified)
        return Received(answer.body, origin, fresh=kept is None or origin.sha256 != kept.sha256)

    def _ask(self, path: str, query: Mapping[str, str] | None, headers: Mapping[str, str]) -> HttpAnswer:
        reason = ""
        for number in range(TRIES):
            self._wait_for_turn()
            pause = random.uniform(0, FIRST_PAUSE_SECONDS * 2**number)
            try:
                answer = self._client.get(path, query, headers=headers)
            except AnswerTooLarge as error:
                raise SourceError(f"{self.name}: {error}", reachable=True) from None
            except HttpUnreachable as error:
                reason = str(error)
            except HttpError as error:
                raise SourceError(f"{self.name}: {error}") from None
            else:
                if answer.status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
                    return answer
                reason = f"{self._client.url}{path} answers {answer.status}"
                if answer.status not in LATER and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise SourceError(f"{self.name}: {reason}{_remedy(answer.status)}", reachable=True)
                pause = _asked_pause(answer, self._now()) or pause
            if pause > LONGEST_PAUSE_SECONDS:
                raise SourceError(f"{self.name}: {reason} and asks to come back in {pause:.0f} s", reachable=True)
            if number + 1 < TRIES:
                self._sleep(pause)
        raise SourceError(f"{self.name}: {reason} (asked {TRIES} times)")

    def _wait_for_turn(self) -> None:
        if (wait := self._next - time.monotonic()) > 0:
            self._sleep(wait)
        self._next = time.monotonic() + self._pace_seconds
        self.requests += 1


def parse_json(source: str, received: Received) -> Any:
    """The answer as JSON. Raises SourceError that says what came instead."""
    try:
        return json.loads(received.body)
    except ValueError:
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
    if asked.isdigit():
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def _remedy(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ": see that its token is right"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ": it has moved; give its new address"
    return ""
