"""MLflow's REST API: JSON objects and files, with MLflow's own credentials, retries, and failures as FetchError."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from matchday.http import (
    AnswerTooLarge,
    HttpAnswer,
    HttpClient,
    HttpError,
    HttpUnreachable,
    UntrustedCertificate,
    basic_authentication,
    load_authorities,
)
from serving.storage.errors import FetchError, Unreachable

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.25
CERTIFICATES = "MLFLOW_TRACKING_SERVER_CERT_PATH"
REDIRECTS = (301, 302, 303, 307, 308)
TRANSIENT = (429, 502, 503, 504)


class NotInMlflow(FetchError):
    """MLflow says that it does not have what was asked for."""


class MlflowApi:
    """The API of one tracking server.

    Credentials are those of MLflow's own clients: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or else the
    user and password of the URL, or else MLFLOW_TRACKING_TOKEN. MLFLOW_TRACKING_SERVER_CERT_PATH names certificate
    authorities to trust besides the system's.
    """

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        """Raises FetchError for a malformed address, or certificates that cannot be read."""
        authorities = environ.get(CERTIFICATES)
        try:
            trust = load_authorities(authorities) if authorities else None
            self._client = HttpClient(url, _credentials(url, environ), trust)
        except HttpError as error:
            raise FetchError(f"MATCHDAY_TRACKING_URI: {error}") from None
        except OSError as error:
            raise FetchError(f"{CERTIFICATES}={authorities} cannot be read: {error}") from None
        self.url = self._client.url

    def json(self, path: str, /, **query: str) -> dict[str, Any]:
        """The JSON object at a path. Raises NotInMlflow, Unreachable or FetchError."""
        answer = self._request(path, lambda: self._client.get(path, query))
        try:
            message = answer.json()
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise FetchError(f"{self.url} is no MLflow server: {path} gives no JSON object")
        return message

    def download(self, path: str, file: Path, limit: int) -> None:
        """Write what is at a path to a new file. Raises as `json`, and FetchError beyond `limit` bytes."""
        self._request(path, lambda: self._client.download(path, file, limit))

    def _request(self, path: str, ask: Callable[[], HttpAnswer]) -> HttpAnswer:
        """An answer with status 200; tried again while the server is unreachable."""
        pause = FIRST_PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                return self._request_once(path, ask)
            except Unreachable:
                time.sleep(pause)
                pause *= 4
        return self._request_once(path, ask)

    def _request_once(self, path: str, ask: Callable[[], HttpAnswer]) -> HttpAnswer:
        try:
            answer = ask()
        except AnswerTooLarge as error:
            raise FetchError(f"{error}: no part of a bundle is") from None
        except UntrustedCertificate as error:
            raise FetchError(f"MLflow at {error}: name its authority in {CERTIFICATES}") from None
        except HttpUnreachable as error:
            raise Unreachable(
                f"MLflow at {error}: see that it runs and that MATCHDAY_TRACKING_URI is its address"
            ) from None
        if answer.status != 200:
            raise self._error(answer, path)
        return answer

    def _error(self, answer: HttpAnswer, path: str) -> FetchError:
        status = answer.status
        if status in (401, 403):
            return FetchError(
                f"MLflow at {self.url} refuses the credentials ({status}): set MLFLOW_TRACKING_TOKEN, or"
                " MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, to ones that may read models"
            )
        if status in REDIRECTS:
            target = urlsplit(answer.headers.get("location", ""))
            return FetchError(
                f"MLflow at {self.url} redirects to {target.scheme}://{target.netloc.rpartition('@')[2]}:"
                " set MATCHDAY_TRACKING_URI to the address it ends up at"
            )
        if status in TRANSIENT:
            return Unreachable(f"MLflow at {self.url} is not there now ({status}): try again later")
        message = _message(answer)
        if status >= 500:
            said = f"{status}: {message}" if message else str(status)
            return Unreachable(f"MLflow at {self.url} failed ({said}): its log says why")
        if message is None:
            return FetchError(f"{self.url} is no MLflow server: it answers {path} with {status}")
        if status in (400, 404):
            return NotInMlflow(message)
        return FetchError(f"MLflow at {self.url} refuses ({status}: {message})")


def _message(answer: HttpAnswer) -> str | None:
    """The message of an error of MLflow's; None for an error of another server."""
    try:
        content = answer.json()
        return next(iter(str(content["message"]).splitlines()), "") if content["error_code"] else None
    except (ValueError, KeyError, TypeError):
        return None


def _credentials(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Headers; none where the URL's own credentials are to be used."""
    user, password = environ.get("MLFLOW_TRACKING_USERNAME"), environ.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        return basic_authentication(user, password)
    token = environ.get("MLFLOW_TRACKING_TOKEN")
    return {"authorization": f"Bearer {token}"} if token and "@" not in url else {}
