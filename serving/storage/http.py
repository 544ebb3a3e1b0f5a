"""GET with credentials, limits and plain errors, on the standard library alone."""

import base64
import json
import os
import ssl
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from serving.storage.errors import StorageError, Unreachable

ANSWER_SECONDS = 10.0
"""Longest silence of the server."""

DOWNLOAD_SECONDS = 300.0
MAX_JSON_BYTES = 16 * 2**20
ATTEMPTS = 3
TRANSIENT = (429, 502, 503, 504)


class NotFound(StorageError):
    """What was asked for is not there; the server said so in MLflow's way."""


class Server:
    """One server, by its base address.

    Credentials are those of MLflow's own clients: MLFLOW_TRACKING_USERNAME and _PASSWORD, or the address's,
    or else MLFLOW_TRACKING_TOKEN. They go nowhere else: redirects are refused. MLFLOW_TRACKING_SERVER_CERT_PATH
    names authorities to trust besides the system's.
    """

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        """Raises StorageError for an address that is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StorageError(f"{url} is no address of a tracking server: write http(s)://HOST[:PORT]")
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._headers = {
            "accept": "*/*",
            "user-agent": "matchday",
            **_credentials(parts.username, parts.password, environ),
        }
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if authorities := environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"):
            handlers.append(urllib.request.HTTPSHandler(context=_context(authorities)))
        self._opener = urllib.request.build_opener(*handlers)

    def json(self, path: str, /, **query: str) -> dict[str, Any]:
        """The JSON object at a path. Raises NotFound, Unreachable or StorageError."""
        data = self._retried(path, query, None)
        try:
            message = json.loads(data)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise StorageError(f"{self.url} is no MLflow server: {path} gives no JSON object")
        return message

    def download(self, path: str, file: Path, limit: int) -> None:
        """Write what is at a path to a new file. Raises as `json`, and StorageError beyond `limit` bytes."""
        self._retried(path, {}, (file, limit))

    def _retried(self, path: str, query: Mapping[str, str], into: tuple[Path, int] | None) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._get(path, query, into)
            except Unreachable:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.25 * 4 ** (attempt - 1))
        raise AssertionError

    def _get(self, path: str, query: Mapping[str, str], into: tuple[Path, int] | None) -> bytes:
        url = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310 - the scheme is checked above
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as answer:
                if into is None:
                    return _limited(answer, MAX_JSON_BYTES, f"{self.url}{path}", None)
                with into[0].open("wb") as file:
                    return _limited(answer, into[1], f"{self.url}{path}", file)
        except HTTPError as error:
            with error:
                raise self._refused(error, path) from None
        except URLError as error:
            raise self._silent(error.reason) from None
        except (OSError, HTTPException) as error:
            raise self._silent(error) from None

    def _silent(self, reason: object) -> StorageError:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return StorageError(
                f"MLflow at {self.url} shows a certificate that is not trusted ({reason.verify_message}):"
                " name its authority in MLFLOW_TRACKING_SERVER_CERT_PATH"
            )
        words = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
        return Unreachable(
            f"MLflow at {self.url} does not answer ({words or type(reason).__name__}):"
            " see that it runs and that MATCHDAY_TRACKING_URI is its address"
        )

    def _refused(self, error: HTTPError, path: str) -> StorageError:
        if error.code in (401, 403):
            return StorageError(
                f"MLflow at {self.url} refuses the credentials ({error.code}): set MLFLOW_TRACKING_TOKEN, or"
                " MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, to ones that may read models"
            )
        if error.code in (301, 302, 303, 307, 308):
            place = urlsplit(error.headers.get("location", ""))
            return StorageError(
                f"MLflow at {self.url} sends on to {place.scheme}://{place.netloc.rpartition('@')[2]}:"
                " set MATCHDAY_TRACKING_URI to the address it ends up at"
            )
        if error.code in TRANSIENT:
            return Unreachable(f"MLflow at {self.url} is not there now ({error.code}): try again later")
        message = _message(error)
        if error.code >= 500:
            said = f"{error.code}: {message}" if message else str(error.code)
            return Unreachable(f"MLflow at {self.url} failed ({said}): its log says why")
        if message is None:
            return StorageError(f"{self.url} is no MLflow server: it answers {path} with {error.code}")
        if error.code in (400, 404):
            return NotFound(message)
        return StorageError(f"MLflow at {self.url} refuses ({error.code}: {message})")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as the error it is here."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None: not followed."""


def _limited(answer: Any, limit: int, what: str, file: IO[bytes] | None) -> bytes:
    """The answer's body, in a file when there is one. Raises StorageError when it is too long or too slow."""
    kept, size, deadline = bytearray(), 0, time.monotonic() + DOWNLOAD_SECONDS
    while chunk := answer.read1(2**20):
        size += len(chunk)
        if size > limit:
            raise StorageError(f"{what} is larger than {limit:,} bytes: no part of a bundle is")
        if time.monotonic() > deadline:
            raise Unreachable(f"{what} did not arrive within {DOWNLOAD_SECONDS:g} s: try again")
        if file is None:
            kept += chunk
        else:
            file.write(chunk)
    return bytes(kept)


def _message(error: HTTPError) -> str | None:
    """MLflow's own words; None when this is not an error of MLflow's."""
    try:
        content = json.loads(error.read(MAX_JSON_BYTES))
        return next(iter(str(content["message"]).splitlines()), "") if content["error_code"] else None
    except (ValueError, KeyError, TypeError, OSError, HTTPException):
        return None


def _credentials(username: str | None, password: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    name, secret = environ.get("MLFLOW_TRACKING_USERNAME"), environ.get("MLFLOW_TRACKING_PASSWORD")
    if not (name and secret) and username:
        name, secret = unquote(username), unquote(password or "")
    if name and secret is not None:
        pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
        return {"authorization": f"Basic {pair}"}
    token = environ.get("MLFLOW_TRACKING_TOKEN")
    return {"authorization": f"Bearer {token}"} if token else {}


def _context(authorities: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise StorageError(f"MLFLOW_TRACKING_SERVER_CERT_PATH={authorities} cannot be read: {error}") from None
