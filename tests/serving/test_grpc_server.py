"""gRPC on the real server: what hostile calls are told, limits, the token, several workers, and how it stops."""

import asyncio
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.services.processes import free_port, running, wait_for_port
from tests.serving.conftest import COMMAND, KICKOFF, Online, Served, environ
from tests.waiting import eventually

MODEL = "match-outcome"
INFER, READY = (f"/inference.GRPCInferenceService/{call}" for call in ("ModelInfer", "ModelReady"))
Request = messages.ModelInferRequest


def texts(name: str, *values: str | bytes, datatype: str = "BYTES") -> Any:
    items = [value.encode() if isinstance(value, str) else value for value in values]
    contents = messages.InferTensorContents(bytes_contents=items)
    return Request.InferInputTensor(name=name, datatype=datatype, shape=[len(values)], contents=contents)


def numbers(
    *values: float, shape: tuple[int, ...] = (1, 6), datatype: str = "FP32", field: str = "fp32_contents"
) -> Any:
    contents = messages.InferTensorContents(**{field: values})
    return Request.InferInputTensor(name="features", datatype=datatype, shape=shape, contents=contents)


def asked(home: str | bytes = "ARS", away: str = "LIV", kickoff: str = KICKOFF, **more: Any) -> Any:
    inputs = [texts("home", home), texts("away", away), texts("kickoff", kickoff)]
    return Request(model_name=MODEL, inputs=inputs, **more)


def raw(*contents: bytes, features: Any = None) -> Any:
    tensor = features or Request.InferInputTensor(name="features", datatype="FP32", shape=[1, 6])
    return Request(model_name=MODEL, inputs=[tensor], raw_input_contents=contents)


def given(*tensors: Any, **more: Any) -> Any:
    return Request(**{"model_name": MODEL, "inputs": tensors, **more})


SIX = [1.0] * 6
CODES = grpc.StatusCode
Output = Request.InferRequestedOutputTensor


@dataclass(frozen=True)
class Hostile:
    """A call, and what must be answered."""

    name: str
    code: grpc.StatusCode
    says: str
    request: Any
    method: str = INFER

    def body(self) -> bytes:
        return self.request if isinstance(self.request, bytes) else self.request.SerializeToString()


def wrong(name: str, says: str, request: Any, code: grpc.StatusCode = CODES.INVALID_ARGUMENT) -> Hostile:
    return Hostile(name, code, says, request)


TABLE = [
    wrong("no message", "no ModelInferRequest", b"\xff\xff\xff\xff"),
    wrong("message cut short", "no ModelInferRequest", asked().SerializeToString()[:-5]),
    wrong("model name not UTF-8", "no ModelInferRequest", b"\x0a\x02\xff\xfe"),
    wrong("empty message", "no model ''", b"", CODES.NOT_FOUND),
    wrong("unknown model", "no model 'points' here", given(model_name="points"), CODES.NOT_FOUND),
    wrong("unknown version", "in version 12, not '11'", asked(model_version="11"), CODES.NOT_FOUND),
    wrong("no inputs", "has no inputs", given()),
    wrong("input without name", "has no name", given(texts("", "ARS"))),
    wrong("unknown input", "has no input 'stadium'", given(texts("stadium", "Emirates"))),
    wrong("duplicate input", "'home' is given twice", given(texts("home", "ARS"), texts("home", "LIV"))),
    wrong("only one team", "away is missing", given(texts("home", "ARS"))),
    wrong("uneven teams", "home has 2, away has 1", given(texts("home", "ARS", "BOU"), texts("away", "LIV"))),
    wrong("id without end", "at most 256", asked(id="x" * 300)),
    wrong("unknown output", "no output 'odds'", asked(outputs=[Output(name="odds")])),
    wrong("output twice", "asked for twice", asked(outputs=[Output(name="probabilities")] * 2)),
    wrong("unknown datatype", "datatype 'TEXT'", given(texts("home", "ARS", datatype="TEXT"))),
    wrong("no datatype", "datatype ''", given(texts("home", "ARS", datatype=""))),
    wrong("no shape", "needs a shape", given(numbers(*SIX, shape=()))),
    wrong("negative shape", "above 0", given(numbers(*SIX, shape=(-1, 6)))),
    wrong("shape of zero", "above 0", given(numbers(shape=(0, 6)))),
    wrong("enormous width", "must have shape [n, 6]", given(numbers(*SIX, shape=(1, 2**30, 2**30)))),
    wrong("enormous batch", "at most 64", given(numbers(*SIX, shape=(2**30, 6))), CODES.RESOURCE_EXHAUSTED),
    wrong("batch too large", "at most 64", given(numbers(*SIX * 65, shape=(65, 6))), CODES.RESOURCE_EXHAUSTED),
    wrong("too few features", "found [1, 5]", given(numbers(*SIX[:5], shape=(1, 5)))),
    wrong("shape and items differ", "has 6 items", given(numbers(*SIX, shape=(2, 6)))),
    wrong("NaN", "not finite", given(numbers(*SIX[:5], float("nan")))),
    wrong("infinity", "not finite", given(numbers(*SIX[:5], float("inf")))),
    wrong("items in another field", "belong in fp32_contents", given(numbers(1, 2, 3, 4, 5, 6, field="int_contents"))),
    wrong("no items", "has 0 items", given(Request.InferInputTensor(name="features", datatype="FP32", shape=[1, 6]))),
    wrong("FP16 as items", "raw_input_contents", given(numbers(*SIX, datatype="FP16"))),
    wrong("features as truth", "must be numbers", given(numbers(*[True] * 6, datatype="BOOL", field="bool_contents"))),
    wrong("text not UTF-8", "not valid UTF-8", asked(home=b"\xff\xfe")),
    wrong("unknown team", "unknown team 'ZZZ'", asked("ZZZ")),
    wrong("team against itself", "must differ", asked("ARS", "ARS")),
    wrong("kickoff is no time", "not a time", asked(kickoff="saturday")),
    wrong("later knowledge", "later knowledge", asked(kickoff="2020-01-01T00:00:00Z"), CODES.FAILED_PRECONDITION),
    wrong("raw bytes too few", "takes 24 bytes", raw(b"\x00" * 20)),
    wrong("raw bytes for more inputs", "2 items for 1 inputs", raw(b"\x00" * 24, b"")),
    wrong("raw and typed", "both contents and raw_input_contents", raw(b"\x00" * 24, features=numbers(*SIX))),
    wrong("raw NaN", "not finite", raw(b"\x00\x00\xc0\x7f" * 6)),
    wrong("message too large", "larger than max", raw(b"\x00" * 70_000), CODES.RESOURCE_EXHAUSTED),
    Hostile("unknown call", CODES.UNIMPLEMENTED, "", b"", "/inference.GRPCInferenceService/RepositoryModelUnload"),
    Hostile("garbled readiness", CODES.INVALID_ARGUMENT, "no ModelReadyRequest", b"\xff", READY),
    Hostile("readiness of nobody", CODES.NOT_FOUND, "no model ''", b"", READY),
]


@pytest.fixture(scope="module")
def channel(served: Served) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        yield channel


@pytest.fixture
def well(channel: grpc.Channel) -> Iterator[grpc.Channel]:
    """A channel; afterwards the server is as it was."""
    yield channel
    stub = GRPCInferenceServiceStub(channel)
    assert stub.ServerReady(messages.ServerReadyRequest()).ready
    [output] = stub.ModelInfer(asked()).outputs
    assert abs(sum(output.contents.fp32_contents) - 1) < 1e-6


@pytest.mark.parametrize("hostile", TABLE, ids=lambda hostile: hostile.name)
def test_hostile_call_gets_its_code_and_a_sentence(well: grpc.Channel, hostile: Hostile) -> None:
    call = well.unary_unary(hostile.method)
    with pytest.raises(grpc.RpcError) as error:
        call(hostile.body(), timeout=60)
    assert error.value.code() == hostile.code, error.value.details()
    assert hostile.says in error.value.details()
    assert len(error.value.details()) < 400


def test_table_is_wide() -> None:
    assert len({hostile.name for hostile in TABLE}) == len(TABLE) >= 40


def test_noise_on_the_wire_harms_nobody(well: grpc.Channel, served: Served) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{served.grpc_port}/v2", timeout=5)


def test_nothing_of_all_this_was_a_failure_of_the_server(served: Served, well: grpc.Channel) -> None:
    logs = served.home / "telemetry" / "logs.jsonl"
    assert "request failed" not in (logs.read_text() if logs.exists() else "")


def ready(port: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=60)


def test_the_token_is_asked_for_but_not_of_probes(online: Online, bundle: Path, tmp_path: Path) -> None:
    port, grpc_port = free_port(), free_port()
    settings = environ(tmp_path, bundle, online.path, port, grpc_port=str(grpc_port), token="secret")
    with running(COMMAND, port, settings), grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(messages.ServerLiveRequest()).live
        assert stub.ModelReady(messages.ModelReadyRequest(name=MODEL)).ready
        for metadata in ((), (("authorization", "Bearer guess"),)):
            for call, request in (
                (stub.ModelInfer, asked()),
                (stub.ModelMetadata, messages.ModelMetadataRequest(name=MODEL)),
                (stub.ServerMetadata, messages.ServerMetadataRequest()),
            ):
                with pytest.raises(grpc.RpcError) as error:
                    call(request, metadata=metadata)
                assert error.value.code() == CODES.UNAUTHENTICATED
        assert stub.ModelInfer(asked(), metadata=(("authorization", "Bearer secret"),)).model_name == MODEL


def test_workers_share_the_port_and_a_store_that_is_away_is_unavailable(
    bundle: Path, online: Online, tmp_path: Path
) -> None:
    port, grpc_port, path = free_port(), free_port(), tmp_path / "online.db"
    settings = environ(tmp_path, bundle, path, port, grpc_port=str(grpc_port), workers="2")
    with running(COMMAND, port, settings):
        ready(grpc_port)
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            stub = GRPCInferenceServiceStub(channel)
            assert not stub.ServerReady(messages.ServerReadyRequest()).ready
            assert not stub.ModelReady(messages.ModelReadyRequest(name=MODEL)).ready
            with pytest.raises(grpc.RpcError) as error:
                stub.ModelInfer(asked())
            assert error.value.code() == CODES.UNAVAILABLE
            assert "does not exist" in error.value.details()
            path.write_bytes(online.path.read_bytes())
            assert stub.ServerReady(messages.ServerReadyRequest()).ready
        for _ in range(12):
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{grpc_port}", options=options) as channel:
                assert GRPCInferenceServiceStub(channel).ModelInfer(asked()).model_name == MODEL


def test_many_calls_at_once_get_their_own_answers(served: Served) -> None:
    rows = np.random.default_rng(1).uniform(0, 10, (60, 6)).astype(np.float32)

    async def ask() -> list[Any]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
            stub = GRPCInferenceServiceStub(channel)
            requests = [given(numbers(*row.tolist()), id=str(index)) for index, row in enumerate(rows)]
            return await asyncio.gather(*(stub.ModelInfer(request) for request in requests))

    answers = asyncio.run(ask())
    assert [answer.id for answer in answers] == [str(index) for index in range(60)]
    forecasts = {tuple(answer.outputs[0].contents.fp32_contents) for answer in answers}
    assert len(forecasts) == 60


def test_calls_are_answered_until_the_server_stops(online: Online, bundle: Path, tmp_path: Path) -> None:
    """Who asks on until the end is turned away once, with the code of gRPC for a call that the end overtook."""
    port, grpc_port = free_port(), free_port()
    settings = environ(tmp_path, bundle, online.path, port, grpc_port=str(grpc_port), drain_seconds="0.5")
    with running(COMMAND, port, settings) as process:
        ready(grpc_port)
        outcomes: list[Any] = []
        stop = threading.Event()

        def ask() -> None:
            with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
                stub = GRPCInferenceServiceStub(channel)
                while not stop.is_set():
                    outcomes.append(_code(lambda: stub.ModelInfer(asked(), timeout=5)))
                    if outcomes[-1] is not CODES.OK:
                        return

        asker = threading.Thread(target=ask)
        asker.start()
        eventually(lambda: len(outcomes) > 10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        stop.set()
        asker.join()
        assert set(outcomes[:-1]) == {CODES.OK}
        assert outcomes[-1] in (CODES.OK, CODES.UNAVAILABLE, CODES.CANCELLED)


def _code(call: Callable[[], Any]) -> grpc.StatusCode:
    try:
        call()
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return CODES.OK


def test_without_a_port_there_is_no_grpc_and_a_taken_one_is_a_plain_line(
    online: Online, bundle: Path, tmp_path: Path, served: Served
) -> None:
    settings = environ(tmp_path, bundle, online.path, free_port(), grpc_port=str(served.grpc_port))
    done = subprocess.run(COMMAND, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"matchday serving: port {served.grpc_port} on 127.0.0.1 is in use: free it or choose another\n"
    )
    port = free_port()
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port)) as process:
        wait_for_port(process, port)
        maps = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert not any("cygrpc" in Path(f"/proc/{child}/maps").read_text() for child in maps)
