"""Every failure has one status, and each status one code of gRPC."""

import re
from http import HTTPStatus
from pathlib import Path

import grpc
import pytest

import serving
from serving.features.store import StoreError
from serving.metrics import ERRORS
from serving.protocol.errors import DeadlineExceeded, Refusal, Unavailable
from serving.statuses import FAILED, GRPC_CODES, to_refusal


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (Refusal("too many", HTTPStatus.TOO_MANY_REQUESTS), 429, "too many"),
        (StoreError("the store is away"), 503, "the store is away"),
        (Unavailable("no model"), 503, "no model"),
        (ZeroDivisionError("secret"), 500, FAILED),
        (DeadlineExceeded("no answer within 1 s"), 504, "no answer within 1 s"),
        (TimeoutError(), 500, FAILED),
    ],
)
def test_an_exception_becomes_the_refusal_that_the_client_gets(error: Exception, status: int, says: str) -> None:
    refusal = to_refusal(error)
    assert (refusal.status, str(refusal)) == (status, says)


def test_every_status_that_the_server_gives_has_a_code_of_grpc() -> None:
    sources = "".join(path.read_text() for path in Path(serving.__file__).parent.rglob("*.py"))
    given = {HTTPStatus[name] for name in re.findall(r"HTTPStatus\.([A-Z_]+)", sources)} - {HTTPStatus.OK}
    assert given | {HTTPStatus(status) for status in ERRORS} <= set(GRPC_CODES)
    assert all(hasattr(grpc.StatusCode, code) for code in GRPC_CODES.values())
