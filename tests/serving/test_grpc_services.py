"""gRPC's health and reflection services, compressed messages, and the token, on the real server."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving.grpc.health import MAX_WATCHING
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, Served, environ
from tests.serving.test_grpc_server import asked, ready
from tests.waiting import eventually

MODEL, INFERENCE = "match-outcome", "inference.GRPCInferenceService"
CODES = grpc.StatusCode
Status = health_pb2.HealthCheckResponse
REFLECTION = [f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha")]
LIST = reflection_pb2.ServerReflectionRequest(list_services="")


@pytest.fixture(scope="module")
def channel(served: Served) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        yield channel


def code(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code(), error.value.details()


@pytest.mark.parametrize("service", ["", INFERENCE])
def test_health_is_checked_and_watched(channel: grpc.Channel, service: str) -> None:
    stub, request = HealthStub(channel), health_pb2.HealthCheckRequest(service=service)
    assert stub.Check(request, timeout=60).status == Status.SERVING
    watching = stub.Watch(request, timeout=60)
    assert next(watching).status == Status.SERVING
    watching.cancel()


def test_a_service_that_there_is_not_is_unknown(channel: grpc.Channel) -> None:
    stub, request = HealthStub(channel), health_pb2.HealthCheckRequest(service="points")
    assert code(lambda: stub.Check(request, timeout=60))[0] == CODES.NOT_FOUND
    watching = stub.Watch(request, timeout=60)
    assert next(watching).status == Status.SERVICE_UNKNOWN
    watching.cancel()


def test_watchers_are_bounded_and_make_room_when_they_leave(channel: grpc.Channel) -> None:
    stub, request = HealthStub(channel), health_pb2.HealthCheckRequest()
    watching = [stub.Watch(request, timeout=240) for _ in range(MAX_WATCHING)]
    for each in watching:
        assert next(each).status == Status.SERVING
    refused, says = code(lambda: next(stub.Watch(request, timeout=60)))
    assert (refused, "watch already" in says) == (CODES.RESOURCE_EXHAUSTED, True)
    assert stub.Check(request, timeout=60).status == Status.SERVING
    for each in watching:
        each.cancel()

    def has_room() -> bool:
        again = stub.Watch(request, timeout=60)
        try:
            return bool(next(again).status == Status.SERVING)
        except grpc.RpcError:
            return False
        finally:
            again.cancel()

    eventually(has_room)


def test_reflection_describes_the_services(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert {INFERENCE, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= set(database.get_services())
    pool = DescriptorPool(database)
    assert "ModelInfer" in pool.FindServiceByName(INFERENCE).methods_by_name
    parameter = pool.FindMessageTypeByName("inference.InferParameter")
    numbers = {field.name: field.number for field in parameter.fields}
    assert numbers == {"bool_param": 1, "int64_param": 2, "string_param": 3, "double_param": 4, "uint64_param": 5}


@pytest.mark.parametrize("path", REFLECTION)
def test_reflection_is_spoken_in_both_versions(channel: grpc.Channel, path: str) -> None:
    [answer] = channel.stream_stream(path)(iter([LIST.SerializeToString()]), timeout=60)
    services = reflection_pb2.ServerReflectionResponse.FromString(answer).list_services_response.service
    assert INFERENCE in {each.name for each in services}


@pytest.mark.parametrize(
    "compression", [grpc.Compression.Gzip, grpc.Compression.Deflate, grpc.Compression.NoCompression]
)
def test_compressed_messages_are_read_within_the_size_limit(channel: grpc.Channel, compression: Any) -> None:
    stub = GRPCInferenceServiceStub(channel)
    assert stub.ModelInfer(asked(), compression=compression, timeout=60).model_name == MODEL
    bomb = messages.ModelInferRequest(model_name=MODEL, raw_input_contents=[bytes(2**25)])
    refused, says = code(lambda: stub.ModelInfer(bomb, compression=compression, timeout=60))
    assert (refused, "larger than max" in says) == (CODES.RESOURCE_EXHAUSTED, True)


@pytest.fixture(scope="module")
def guarded(online: Online, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    home, port, grpc_port = tmp_path_factory.mktemp("guarded"), free_port(), free_port()
    settings = environ(home, bundle, online.path, port, grpc_port=str(grpc_port), token="secret")
    with running(COMMAND, port, settings), grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        ready(grpc_port)
        yield channel


def test_probes_need_no_token_and_then_name_nothing(guarded: grpc.Channel) -> None:
    stub = GRPCInferenceServiceStub(guarded)
    assert HealthStub(guarded).Check(health_pb2.HealthCheckRequest(), timeout=60).status == Status.SERVING
    watching = HealthStub(guarded).Watch(health_pb2.HealthCheckRequest(), timeout=60)
    assert next(watching).status == Status.SERVING
    watching.cancel()
    assert stub.ServerReady(messages.ServerReadyRequest(), timeout=60).ready
    token = (("authorization", "bearer secret"),)
    for request in (messages.ModelReadyRequest(name="points"), messages.ModelReadyRequest(name=MODEL, version="9")):
        untold = code(lambda request=request: stub.ModelReady(request, timeout=60))
        assert untold == (CODES.NOT_FOUND, "not found: send the token to be told why")
        told = code(lambda request=request: stub.ModelReady(request, metadata=token, timeout=60))
        assert (told[0], MODEL in told[1]) == (CODES.NOT_FOUND, True)


@pytest.mark.parametrize("path", REFLECTION)
def test_reflection_needs_the_token(guarded: grpc.Channel, path: str) -> None:
    call, requests = guarded.stream_stream(path), [LIST.SerializeToString()]
    for metadata in ((), (("authorization", "Bearer guess"),)):
        assert code(lambda metadata=metadata: list(call(iter(requests), metadata=metadata, timeout=60)))[0] == (
            CODES.UNAUTHENTICATED
        )
    assert len(list(call(iter(requests), metadata=(("authorization", "Bearer secret"),), timeout=60))) == 1


def test_who_watches_or_waits_holds_up_no_stop(online: Online, bundle: Path, tmp_path: Path) -> None:
    """Without a drain, and with `stop_seconds` far beyond what this test waits."""
    port, grpc_port = free_port(), free_port()
    more = {"grpc_port": str(grpc_port), "stop_seconds": "250", "request_seconds": "250"}
    with running(COMMAND, port, environ(tmp_path, bundle, online.path, port, **more)) as process:
        ready(grpc_port)
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            watching = HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=280)
            assert next(watching).status == Status.SERVING
            waiting = channel.stream_stream(REFLECTION[0])(_asks_once_and_waits(), timeout=280)
            assert next(waiting)
            process.terminate()
            assert process.wait(120) == 0
            assert [each.status for each in _until_the_end(watching)] in ([], [Status.NOT_SERVING])


def _asks_once_and_waits() -> Iterator[bytes]:
    yield LIST.SerializeToString()
    time.sleep(200)


def _until_the_end(call: Any) -> list[Any]:
    answers = []
    try:
        answers += call
    except grpc.RpcError:
        return answers
    return answers
