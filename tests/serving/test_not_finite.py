"""Rows without a finite answer: refused by name, so that a caller can go on with the others, in every protocol."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from matchday.bundle import write_bundle
from serving.failure_log import LINES_PER_SECOND
from serving.features.store import Row, Rows
from serving.grpc.server import start
from serving.http.face import HttpFace
from serving.metrics import ERROR_CELL, REQUESTS
from serving.protocol.errors import MOST_ROWS_NAMED, NotFinite, Refusal
from serving.settings import ServingSettings
from serving.worker import Worker
from tests.services.processes import free_port
from tests.serving.conftest import EXPLAINER, KICKOFF, graph, match, signature
from tests.serving.rsgi import Protocol, ask

MODEL = "match-outcome"
GOOD, BAD = [1.0, 2.0, 3.0, 1.5, 2.0, 3.0], [3e38] * 6
V2, V2_EXPLAIN = f"/v2/models/{MODEL}/infer", f"/v2/models/{MODEL}/explain"
V1, V1_EXPLAIN = f"/v1/models/{MODEL}:predict", f"/v1/models/{MODEL}:explain"


class HugeStore:
    """Every team has the same huge features."""

    async def read(self, join_key: str, keys: Any, views: Any) -> Rows:
        found = Rows()
        for view, names in views.items():
            found.update({(view, key): Row(dict.fromkeys(names, 3e38), 0.0, 0.0) for key in keys})
        return found

    async def keys(self, join_key: str, views: object) -> list[str | int]:
        return ["ARS"]

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def unbounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbounded") / MODEL
    write_bundle(folder, graph(scale=1e6), signature(), EXPLAINER, "# match-outcome\n")
    return folder


def play(bundle: Path, folder: Path, story: Callable[[Worker], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        settings = ServingSettings(bundles=[bundle], versions=["12"], run_folder=folder)
        worker = Worker(settings, HugeStore())
        worker.start(asyncio.get_running_loop())
        try:
            return await story(worker)
        finally:
            worker.stop()

    return asyncio.run(run())


def tensor(rows: list[list[float]]) -> dict[str, Any]:
    data = [number for row in rows for number in row]
    return {"inputs": [{"name": "features", "shape": [len(rows), 6], "datatype": "FP32", "data": data}]}


async def ask_binary(face: HttpFace, rows: list[list[float]]) -> Protocol:
    """The same with raw tensors behind the JSON part."""
    raw = np.array(rows, "<f4").tobytes()
    entry = {"name": "features", "shape": [len(rows), 6], "datatype": "FP32"}
    head = json.dumps({"inputs": [{**entry, "parameters": {"binary_data_size": len(raw)}}]}).encode()
    protocol = Protocol(head + raw)
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    from tests.serving.rsgi import Scope

    await face.respond(Scope("POST", V2, {**headers, "content-length": str(len(head + raw))}), protocol)  # type: ignore[arg-type]
    return protocol


ASKS: dict[str, Callable[[HttpFace, list[list[float]]], Awaitable[Protocol]]] = {
    "V2": lambda face, rows: ask(face, "POST", V2, tensor(rows)),
    "V2 binary": ask_binary,
    "V2 explanation": lambda face, rows: ask(face, "POST", V2_EXPLAIN, tensor(rows)),
    "V1": lambda face, rows: ask(face, "POST", V1, {"instances": rows}),
    "V1 explanation": lambda face, rows: ask(face, "POST", V1_EXPLAIN, {"instances": rows}),
}


@pytest.mark.parametrize("protocol", ASKS)
def test_rows_without_a_finite_answer_are_named_and_the_others_can_go_on(
    unbounded: Path, tmp_path: Path, protocol: str
) -> None:
    async def story(worker: Worker) -> None:
        face, rows = HttpFace(worker), [GOOD, BAD, GOOD, GOOD, BAD]
        reply = await ASKS[protocol](face, rows)
        assert reply.status == 400
        assert reply.json["rows"] == [1, 4]
        assert reply.json["error"] == (
            f"{MODEL} gives no finite answer for rows 1, 4 of 5, counted from 0:"
            " change the features of these rows or leave them out"
        )
        rest = [row for index, row in enumerate(rows) if index not in reply.json["rows"]]
        assert (await ASKS[protocol](face, rest)).status == 200
        alone = await ASKS[protocol](face, [BAD])
        assert (alone.status, alone.json["rows"]) == (400, [0])
        [page] = worker.metrics.read()[MODEL, "12", "stable"]
        assert (page.numbers[REQUESTS], page.numbers[ERROR_CELL[400]], page.numbers[ERROR_CELL[503]]) == (3, 2, 0)

    play(unbounded, tmp_path, story)


def test_grpc_names_them_in_its_trailing_metadata(unbounded: Path, tmp_path: Path) -> None:
    async def story(worker: Worker) -> None:
        port = free_port()
        server = await start(worker, "127.0.0.1", port)
        raw = np.array([GOOD, BAD, BAD], "<f4").tobytes()
        entry = messages.ModelInferRequest.InferInputTensor(name="features", datatype="FP32", shape=[3, 6])
        request = messages.ModelInferRequest(model_name=MODEL, inputs=[entry], raw_input_contents=[raw])
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await GRPCInferenceServiceStub(channel).ModelInfer(request)
        finally:
            await server.stop(None)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "no finite answer for rows 1, 2 of 3, counted from 0" in error.value.details()
        assert dict(error.value.trailing_metadata())["rows"] == "1,2"

    play(unbounded, tmp_path, story)


def test_features_of_the_store_are_the_servers_to_mend(unbounded: Path, tmp_path: Path) -> None:
    """503, as another replica may have better ones; the rows are named all the same."""

    async def story(worker: Worker) -> None:
        for path, message in ((V2, match()), (V1, {"instances": [{"home": "ARS", "away": "LIV", "kickoff": KICKOFF}]})):
            reply = await ask(HttpFace(worker), "POST", path, message)
            assert (reply.status, reply.json["rows"]) == (503, [0])

    play(unbounded, tmp_path, story)


def test_rows_of_others_in_the_same_turn_are_answered(unbounded: Path, tmp_path: Path) -> None:
    """Micro-batching runs them together; each is told of its own rows."""

    async def story(worker: Worker) -> None:
        face = HttpFace(worker)
        given = [[GOOD], [GOOD, BAD], [GOOD, GOOD], [BAD]]
        replies = await asyncio.gather(*(ASKS["V2"](face, rows) for rows in given))
        assert [reply.status for reply in replies] == [200, 400, 200, 400]
        assert [reply.json.get("rows") for reply in replies] == [None, [1], None, [0]]

    play(unbounded, tmp_path, story)


@pytest.mark.parametrize(("store", "event"), [(False, "request refused"), (True, "request not answered")])
def test_a_flood_of_them_is_a_few_log_lines(
    unbounded: Path,
    tmp_path: Path,
    store: bool,
    event: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATCHDAY_LOG_LEVEL", "info")
    monkeypatch.setenv("MATCHDAY_LOG_FORMAT", "json")

    async def story(worker: Worker) -> None:
        worker.pipeline.failures._clock = lambda: 100.0
        for _ in range(5 * LINES_PER_SECOND):
            await ask(HttpFace(worker), "POST", V2, match() if store else tensor([BAD]))

    play(unbounded, tmp_path, story)
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events.count(event) == LINES_PER_SECOND


def test_a_refusal_names_no_more_rows_than_metadata_can_hold() -> None:
    rows = range(4096)
    refusal = Refusal(str(NotFinite(MODEL, rows, 4096)), rows=rows)
    assert str(refusal).endswith("for rows 0, 1, 2, 3, 4 and 4091 others of 4096, counted from 0")
    assert list(refusal.rows) == list(range(MOST_ROWS_NAMED))
    assert len(",".join(map(str, refusal.rows))) < 8192
