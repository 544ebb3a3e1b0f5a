"""A failure is told alike by V2, V1 and gRPC, whatever it is, and logged once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving.features.store import Rows, StoreError
from serving.grpc.server import start
from serving.http.face import HttpFace
from serving.limiter import ConcurrencyLimiter
from serving.protocol.errors import Refusal, Unavailable
from serving.settings import ServingSettings
from serving.worker import Worker
from tests.services.processes import free_port
from tests.serving.conftest import KICKOFF, match
from tests.serving.rsgi import ask

MODEL = "match-outcome"
V2, EXPLAIN = f"/v2/models/{MODEL}/infer", f"/v2/models/{MODEL}/explain"
V1, EXPLAIN_V1 = f"/v1/models/{MODEL}:predict", f"/v1/models/{MODEL}:explain"
TEAMS = {"home": "ARS", "away": "LIV", "kickoff": KICKOFF}
RAW = {"inputs": [{"name": "features", "shape": [1, 6], "datatype": "FP32", "data": [1.0] * 6}]}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class FailingStore:
    """A store whose reads fail, or never end."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def read(self, join_key: str, keys: object, views: object) -> Rows:
        if self.error is None:
            await asyncio.sleep(600)
            return Rows()
        raise self.error

    async def keys(self, join_key: str, views: object) -> list[str | int]:
        return []

    def close(self) -> None: ...


@pytest.fixture
def scene(bundle: Path, tmp_path: Path) -> Iterator[Callable[[Any, Callable[[Worker], Awaitable[Any]]], Any]]:
    """Runs a story with a worker whose store fails with an error."""

    def run(error: Exception | None, story: Callable[[Worker], Awaitable[Any]], **more: Any) -> Any:
        settings = ServingSettings(bundles=[bundle], versions=["12"], run_folder=tmp_path, **more)

        async def play() -> Any:
            worker = Worker(settings, FailingStore(error))
            worker.start(asyncio.get_running_loop())
            try:
                return await story(worker)
            finally:
                worker.stop()

        return asyncio.run(play())

    return run


async def ask_all(worker: Worker) -> list[tuple[int, str]]:
    """Status and message by V2, by an explanation and by V1."""
    face = HttpFace(worker)
    replies = [
        await ask(face, "POST", V2, match()),
        await ask(face, "POST", EXPLAIN, match()),
        await ask(face, "POST", V1, {"instances": [TEAMS]}),
    ]
    return [(reply.status, reply.json["error"]) for reply in replies]


async def ask_by_grpc(worker: Worker) -> tuple[str, str]:
    port = free_port()
    server = await start(worker, "127.0.0.1", port)
    inputs = [
        messages.ModelInferRequest.InferInputTensor(
            name=name,
            datatype="BYTES",
            shape=[1],
            contents=messages.InferTensorContents(bytes_contents=[value.encode()]),
        )
        for name, value in TEAMS.items()
    ]
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = GRPCInferenceServiceStub(channel)
            await stub.ModelInfer(messages.ModelInferRequest(model_name=MODEL, inputs=inputs))
    except grpc.aio.AioRpcError as error:
        return error.code().name, error.details()
    finally:
        await server.stop(None)
    return "OK", ""


FAULT = "the server failed on this request; its log says why"


@pytest.mark.parametrize(
    ("error", "status", "code", "says", "event"),
    [
        (Refusal("not now", HTTPStatus.CONFLICT), 409, "FAILED_PRECONDITION", "not now", "request refused"),
        (StoreError("the store is away"), 503, "UNAVAILABLE", "the store is away", "request not answered"),
        (Unavailable("no features"), 503, "UNAVAILABLE", "no features", "request not answered"),
        (ZeroDivisionError("secret"), 500, "INTERNAL", FAULT, "request failed"),
        (None, 504, "DEADLINE_EXCEEDED", "no answer was found within 0.2 s", "request not answered"),
    ],
    ids=["refusal", "store", "unavailable", "fault", "slow"],
)
def test_every_protocol_tells_a_failure_alike_and_it_is_logged_once(
    scene: Any,
    error: Exception | None,
    status: int,
    code: str,
    says: str,
    event: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATCHDAY_LOG_LEVEL", "info")
    monkeypatch.setenv("MATCHDAY_LOG_FORMAT", "json")

    async def story(worker: Worker) -> tuple[list[tuple[int, str]], tuple[str, str]]:
        return await ask_all(worker), await ask_by_grpc(worker)

    by_rest, by_grpc = scene(error, story, request_seconds=0.2)
    assert by_rest == [(status, says)] * 3
    assert by_grpc == (code, says)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    if isinstance(error, Refusal):
        lines, error = lines[:1] * 4, None  # one object is raised four times, and one refusal is logged once
    assert [(line["event"], line["status"], line["model"]) for line in lines] == [(event, status, MODEL)] * 4
    if isinstance(error, ZeroDivisionError):
        assert all("ZeroDivisionError: secret" in line["exception"] for line in lines)


def test_failures_are_counted_and_continue_the_trace(scene: Any) -> None:
    async def story(worker: Worker) -> None:
        reply = await ask(HttpFace(worker), "POST", V2, match(), traceparent=TRACE)
        assert reply.status == 503
        assert reply.headers["traceparent"] == TRACE
        untraced = await ask(HttpFace(worker), "GET", "/v2/health/ready", traceparent=TRACE)
        assert (untraced.status, "traceparent" in untraced.headers) == (503, False)
        [page] = worker.metrics.read()[MODEL, "12", "stable"]
        from serving.metrics import ERROR_CELL, REQUESTS

        assert (page.numbers[REQUESTS], page.numbers[ERROR_CELL[503]]) == (1, 1)

    scene(StoreError("the store is away"), story)


def test_the_time_for_an_answer_begins_when_the_body_is_there(scene: Any) -> None:
    """A body that took longer than an answer may take is answered all the same."""

    async def story(worker: Worker) -> None:
        reply = await ask(HttpFace(worker), "POST", V2, RAW, seconds=0.5)
        assert reply.status == 200, reply.body
        late = await ask(HttpFace(worker), "POST", V2, RAW, seconds=600)
        assert (late.status, late.headers["connection"]) == (408, "close")

    scene(None, story, request_seconds=0.3, body_seconds=5)


def test_the_time_for_an_explanation_begins_when_the_body_is_there(scene: Any) -> None:
    """By V2 and by V1, and for a body in chunks, which has no length."""
    instances = {"instances": [[1.0] * 6]}

    async def story(worker: Worker) -> None:
        replies = await asyncio.gather(
            *(
                ask(HttpFace(worker), "POST", path, message, seconds=4, **length)
                for path, message in ((EXPLAIN, RAW), (EXPLAIN_V1, instances), (V1, instances))
                for length in ({}, {"content-length": ""})
            )
        )
        assert [reply.status for reply in replies] == [200] * 6

    scene(None, story, request_seconds=3, body_seconds=60)


def test_a_deadline_that_is_set_anew_can_pass_again() -> None:
    async def play() -> bool:
        limiter = ConcurrencyLimiter(1)
        entered = limiter.enter(0.01)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(600)
        entered.task.uncancel()
        entered.allow(0.01)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(600)
        entered.task.uncancel()
        limiter.leave(entered)
        return entered.expired

    assert asyncio.run(play())
