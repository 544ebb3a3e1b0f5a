"""HTTP client that reads JSON and files from servers: time and size limits, no redirects, plain errors.

For every room that asks a server something; a room turns HttpError into its own error, which says what the server is
and what to do. httpx is imported by the first request (0.1 s), so importing this module is cheap.
"""

import base64
import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from matchday.errors import MatchdayError

if TYPE_CHECKING:
    import httpx

SILENCE_SECONDS = 10.0
"""Longest pause of a server, also before its first byte."""

ANSWER_SECONDS = 300.0
"""Longest time for a whole answer."""

MAX_BYTES = 16 * 2**20
"""Largest answer that is kept in memory: 16 MiB."""


class HttpError(MatchdayError):
    """A request that got no usable answer, or an address that is malformed. reason: a few words."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class HttpUnreachable(HttpError):
    """The server does not answer now, or stops in the middle of its answer; later it may."""


class UntrustedCertificate(HttpError):
    """The server's certificate is not signed by an authority that is trusted here."""


class AnswerTooLarge(HttpError):
    """The answer is larger than the caller allows."""


class HttpAnswer(NamedTuple):
    """An answer of any status. body: empty when it was written to a file. headers: names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)


class HttpClient:
    """Reads from one server. Holds no connection open between calls, so there is nothing to close.

    A user and password in the URL are sent as basic authentication. No header goes to another server: redirects
    are answers here.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        direct: bool = False,
    ) -> None:
        """headers: sent with every request. trust: the system's authorities by default, see `load_authorities`.

        direct: go past the proxies that HTTP_PROXY and its like name, for a server on this machine.

        Raises HttpError for an address that is not `http(s)://HOST[:PORT][/PATH]`.
        """
        parts = _split(url)
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._headers = {
            "accept": "*/*",
            "accept-encoding": "identity",
            "user-agent": "matchday",
            **_credentials(parts),
            **(headers or {}),
        }
        self._trust = trust
        self._silence_seconds = silence_seconds
        self._direct = direct

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        limit: int = MAX_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """GET a path of the URL. headers: of this request alone.

        Raises HttpUnreachable, UntrustedCertificate, AnswerTooLarge (over `limit` bytes).
        """
        with self._open(path, query, headers) as response:
            body = b"".join(self._read(response, limit))
            return HttpAnswer(response.status_code, response.headers, body)

    def download(self, path: str, file: Path, limit: int) -> HttpAnswer:
        """Write what is at a path to a new file, when the status is 200. Raises as `get`, and OSError."""
        with self._open(path) as response:
            if response.status_code != HTTPStatus.OK:
                return HttpAnswer(response.status_code, response.headers, b"".join(self._read(response, MAX_BYTES)))
            with file.open("wb") as target:
                for chunk in self._read(response, limit):
                    target.write(chunk)
            return HttpAnswer(response.status_code, response.headers, b"")

    @contextmanager
    def _open(
        self, path: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator["httpx.Response"]:
        import httpx

        try:
            with httpx.stream(
                "GET",
                f"{self.url}{path}",
                params=query,
                headers={**self._headers, **(headers or {})},
                timeout=self._silence_seconds,
                verify=self._trust or _system_authorities(),
                trust_env=not self._direct,
            ) as response:
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._explain(error) from None

    def _read(self, response: "httpx.Response", limit: int) -> Iterator[bytes]:
        size, deadline = 0, time.monotonic() + ANSWER_SECONDS
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > limit:
                raise AnswerTooLarge(f"{response.url} is larger than {limit:,} bytes")
            if time.monotonic() > deadline:
                raise HttpUnreachable(f"{response.url} did not arrive within {ANSWER_SECONDS:g} s")
            yield chunk

    def _explain(self, error: Exception) -> HttpError:
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                reason = cause.verify_message
                return UntrustedCertificate(f"{self.url} has a certificate that is not trusted ({reason})", reason)
            if isinstance(cause, OSError) and cause.strerror:
                return HttpUnreachable(f"{self.url} does not answer ({cause.strerror})", cause.strerror)
        reason = str(error) or type(error).__name__
        return HttpUnreachable(f"{self.url} does not answer ({reason})", reason)


@cache
def _system_authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def load_authorities(file: str) -> ssl.SSLContext:
    """The system's certificate authorities and those of a PEM file. Raises OSError (ssl.SSLError is one)."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=file)
    return context


def basic_authentication(user: str, password: str) -> dict[str, str]:
    """The header of basic authentication."""
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        without_user = re.sub(r"//[^/@]*@", "//", url)
        raise HttpError(f"{without_user} is not an address of a server: write http(s)://HOST[:PORT]")
    return parts


def _credentials(parts: SplitResult) -> dict[str, str]:
    if not parts.username:
        return {}
    return basic_authentication(unquote(parts.username), unquote(parts.password or ""))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
