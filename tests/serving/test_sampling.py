"""Few requests are traced, all belong to their caller's trace."""

import json
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday.telemetry import Caller, Sampling
from serving.call import Call
from tests.lines import whole_lines
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, environ, match

INFER = "/v2/models/match-outcome/infer"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255))
def test_a_traceparent_is_read_as_opentelemetry_reads_it(trace: int, span: int, flags: int) -> None:
    from opentelemetry.trace import get_current_span

    from matchday.telemetry import remote_context

    text = f"00-{trace:032x}-{span:016x}-{flags:02x}"
    context = get_current_span(remote_context(text)).get_span_context()
    assert Caller.read(text) == (context.trace_id, context.span_id, context.trace_flags)
    assert Call(Caller.read(text)).traceparent() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-01",
    ],
)
def test_a_broken_traceparent_is_none(text: str) -> None:
    assert Caller.read(text) is None


def test_sampling_follows_the_caller_first_and_the_ratio_then() -> None:
    sampling = Sampling(0.05)
    assert sampling.takes(Caller(1, 1, 1))
    assert not sampling.takes(Caller(1, 1, 0))
    taken = sum(sampling.takes(None) for _ in range(20_000))
    assert 700 < taken < 1300
    assert not Sampling(0.0).takes(None)
    assert Sampling(1.0).takes(None)
    own = Sampling(0.5, parent_based=False)
    assert (own.takes(Caller(1, 1, 0)), own.takes(Caller(2**64 - 1, 1, 1))) == (True, False)


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        (None, None, Sampling(0.05)),
        ("parentbased_traceidratio", "0.2", Sampling(0.2)),
        ("traceidratio", "0.2", Sampling(0.2, parent_based=False)),
        ("always_on", None, Sampling(1.0, parent_based=False)),
        ("parentbased_always_off", None, Sampling(0.0)),
        ("traceidratio", "much", Sampling(1.0, parent_based=False)),
        ("no_such_sampler", None, Sampling(0.05)),
    ],
)
def test_opentelemetrys_variables_are_heeded(
    monkeypatch: pytest.MonkeyPatch, name: str | None, argument: str | None, expected: Sampling
) -> None:
    for variable, value in (("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)):
        monkeypatch.delenv(variable, raising=False)
        if value is not None:
            monkeypatch.setenv(variable, value)
    assert Sampling.from_environment(0.05) == expected


def test_disabled_telemetry_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    sampling = Sampling.from_environment(1.0)
    assert not sampling.takes(None)
    assert not sampling.takes(Caller(1, 1, 1))


def test_few_requests_are_traced_and_none_of_a_caller_who_is_not(
    online: Online, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_TRACES_SAMPLER", raising=False)
    port = free_port()
    with (
        running(COMMAND, port, environ(tmp_path, bundle, online.path, port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        unsampled = f"00-{TRACE}-{SPAN}-00"
        sampled = f"00-{TRACE[::-1]}-{SPAN}-01"
        for _ in range(400):
            assert client.post(INFER, json=match()).status_code == 200
        echoed = client.post(INFER, json=match(), headers={"traceparent": unsampled}).headers["traceparent"]
        assert echoed == unsampled
        answered = client.post(INFER, json=match(), headers={"traceparent": sampled}).headers["traceparent"]
        assert answered.split("-")[1::2] == [TRACE[::-1], "01"]
        assert answered.split("-")[2] != SPAN
        refused = client.post(INFER, json=match("XXX"), headers={"traceparent": sampled})
        assert (refused.status_code, refused.headers["traceparent"].split("-")[1]) == (400, TRACE[::-1])
    lines = whole_lines(tmp_path / "telemetry" / "traces.jsonl")
    spans = [json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in lines]
    servers = [span for span in spans if span["name"].startswith("POST")]
    roots = [span for span in servers if "parentSpanId" not in span]
    assert 3 < len(roots) < 60
    assert TRACE not in {span["traceId"] for span in spans}
    assert {span["kind"] for span in servers} == {2}
    [parent] = {span["parentSpanId"] for span in servers if span["traceId"] == TRACE[::-1]}
    assert parent == SPAN
    whole = next(span for span in servers if span["spanId"] == answered.split("-")[2])
    children = {span["name"]: span for span in spans if span.get("parentSpanId") == whole["spanId"]}
    assert set(children) == {"features", "inference", "encode"}
    for child in children.values():
        assert int(whole["startTimeUnixNano"]) <= int(child["startTimeUnixNano"]) <= int(child["endTimeUnixNano"])
        assert int(child["endTimeUnixNano"]) <= int(whole["endTimeUnixNano"])
