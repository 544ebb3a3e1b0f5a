"""MLflow's client: imported late, without its log lines and telemetry; its errors become one line."""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matchday.registry.error import RegistryError, RegistryUnavailable

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",  # it would fetch from the server's bucket directly
}
UNREACHABLE = "Max retries exceeded"
"""In MLflow's errors when nothing answers."""

_USER_INFO = re.compile(r"//[^/@\s]*@")


def client_class() -> "type[MlflowClient]":
    """MLflow's client class; the import takes 1.3 s and more. Its log lines and telemetry are off."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for noisy in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    from mlflow.tracking.client import MlflowClient

    return MlflowClient


@contextmanager
def translate_errors(tracking_uri: str, action: str) -> Iterator[None]:
    """Raise MLflow's errors in the block as RegistryError, in one line: which MLflow could not do what, and why."""
    client_class()
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        kind = RegistryUnavailable if UNREACHABLE in str(error) else RegistryError
        raise kind(f"MLflow at {without_credentials(tracking_uri)} could not {action}: {_reason(error)}") from error


def without_credentials(uri: str) -> str:
    """An address without user and password."""
    return _USER_INFO.sub("//", uri)


def all_pages(search: Any, condition: str | None = None) -> Iterable[Any]:
    """The items of all pages of an MLflow search."""
    token = None
    while True:
        page = search(filter_string=condition, page_token=token)
        yield from page
        if not (token := page.token):
            return


def _reason(error: Exception) -> str:
    """The first line of MLflow's message, without passwords; a remedy in place of it where there is one."""
    words = next(iter(str(error).splitlines()), type(error).__name__)
    if UNREACHABLE in words:
        return "no answer; is it running?"
    if "error code 401" in words or "error code 403" in words or words.startswith("PERMISSION_DENIED"):
        return "it refuses the credentials; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to ones that may"
    return without_credentials(words)
