"""MLflow's client: imported late, quiet, and plain about what it could not do."""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matchday.registry.error import RegistryError, Silent

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",  # which goes round the server to its bucket, if that is in reach
}
UNREACHABLE = "Max retries exceeded"
"""How MLflow's client says that nobody answers."""

_USER_INFO = re.compile(r"//[^/@\s]*@")


def client_class() -> "type[MlflowClient]":
    """MLflow's client, imported when it is first needed (1.3 s and more), without its noise and telemetry."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for noisy in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    from mlflow.tracking.client import MlflowClient

    return MlflowClient


@contextmanager
def explained(tracking_uri: str, action: str) -> Iterator[None]:
    """Turn MLflow's failures into one line that says what was asked of which MLflow."""
    client_class()
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        kind = Silent if UNREACHABLE in str(error) else RegistryError
        raise kind(f"MLflow at {shown(tracking_uri)} could not {action}: {_reason(error)}") from error


def shown(uri: str) -> str:
    """An address without user and password."""
    return _USER_INFO.sub("//", uri)


def pages(search: Any, condition: str | None = None) -> Iterable[Any]:
    """All items of a paged search of MLflow."""
    token = None
    while True:
        page = search(filter_string=condition, page_token=token)
        yield from page
        if not (token := page.token):
            return


def _reason(error: Exception) -> str:
    """The first line of MLflow's own words, without passwords; in ours where they say what to do."""
    words = next(iter(str(error).splitlines()), type(error).__name__)
    if UNREACHABLE in words:
        return "no answer; is it running?"
    if "error code 401" in words or "error code 403" in words or words.startswith("PERMISSION_DENIED"):
        return "it refuses the credentials; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to ones that may"
    return shown(words)
