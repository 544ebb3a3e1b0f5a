"""The header `tracestate` of strangers: kept when it is W3C's, left out when it is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.trace import TraceState

from matchday.telemetry import read_tracestate

MEMBERS = ",".join(f"k{number}=1" for number in range(32))
GOOD = ["a=1", "vendor=1", "a=1,b=2", "a=1 , b=2", "0a/b@c=x:y;z", "a=" + "b" * 256, MEMBERS]
BAD = [
    "",
    "=",
    "a",
    "a=",
    "=1",
    "A=1",
    "a=1,",
    "a=1,,b=2",
    "a=1=2",
    "a=1, a=2",
    "1=1",
    "a@1=1",
    "a@=1",
    "a@b@c=1",
    "a=\u00e9",
    "a=1\n",
    "Q" * 90_000,
    "a=" + "b" * 600,
    "a=1," * 32 + "a=1",
    "a=1 \t ," * 70,
    f"{MEMBERS},a=1",
    MEMBERS.replace(",", " \t" * 8 + ","),
]


@pytest.mark.parametrize("header", GOOD)
def test_a_good_tracestate_is_kept(header: str) -> None:
    assert read_tracestate(header) == header


@pytest.mark.parametrize("header", [None, *BAD])
def test_a_broken_tracestate_is_left_out(header: str | None) -> None:
    assert read_tracestate(header) == ""


@settings(max_examples=2000)
@given(
    st.text(st.sampled_from("ab=, \t1@"), max_size=512) | st.from_regex(r"\A[a1@-]{1,6}=[a1]( ?, ?[a1@-]{1,6}=[a1])?\Z")
)
def test_opentelemetry_takes_every_tracestate_that_is_kept(header: str) -> None:
    kept = read_tracestate(header)
    assert kept in ("", header)
    if kept:
        assert len(TraceState.from_header([kept])) >= 1
