"""How a source is asked: by what is known, politely, and again when that may help."""

import re
from datetime import timedelta
from email.utils import format_datetime

import pytest

from console.demo.upstream.faults import Fault
from matchday.sources.upstream import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TRIES,
    Received,
    SourceError,
    Upstream,
    parse_json,
)
from tests.matchday.sources.conftest import SATURDAY, Sources

LIVE = "/event/1/live/"
"""A small answer that is final on the Saturday."""


def read(upstream: Upstream, path: str = LIVE) -> Received:
    with upstream.read(path) as received:
        return received


def conditional(sources: Sources) -> list[bool]:
    return [request.conditional for request in sources.server.requests]


def test_what_is_known_is_asked_for_by_its_validators_and_not_sent_again(sources: Sources) -> None:
    first = read(sources.fpl())
    sources.server.now += timedelta(hours=1)
    second = read(sources.fpl())
    assert conditional(sources) == [False, True]
    assert [request.status for request in sources.server.requests] == [200, 304]
    assert (first.fresh, second.fresh) == (True, False)
    assert second.body == first.body
    assert second.known_at == first.known_at == SATURDAY


def test_what_could_not_be_read_is_asked_for_as_a_whole(sources: Sources) -> None:
    for _ in range(2):
        with pytest.raises(ValueError), sources.fpl().read(LIVE):
            raise ValueError("the reader does not understand it")
    assert conditional(sources) == [False, False]
    read(sources.fpl())
    read(sources.fpl())
    assert conditional(sources) == [False, False, False, True]


def test_after_an_answer_that_could_not_be_read_the_last_good_one_counts(sources: Sources) -> None:
    good = read(sources.fpl())
    sources.server.faults.plan(Fault.HTML, LIVE)
    with pytest.raises(SourceError), sources.fpl().read(LIVE) as page:
        parse_json("fpl", page)
    again = read(sources.fpl())
    assert [request.status for request in sources.server.requests] == [200, 200, 304]
    assert again.body == good.body
    assert not again.fresh


def test_a_body_that_was_lost_is_asked_for_as_a_whole(sources: Sources) -> None:
    digest = read(sources.fpl()).origin.sha256
    (sources.folder / "raw" / "bodies" / f"{digest}.gz").write_bytes(b"damaged")
    assert read(sources.fpl()).origin.sha256 == digest
    assert conditional(sources) == [False, False]
    assert sources.answers.body(digest)


@pytest.mark.parametrize("asked", ["7", "date"])
def test_the_pause_that_a_busy_source_asks_for_is_made(sources: Sources, asked: str) -> None:
    header = format_datetime(SATURDAY + timedelta(seconds=7), usegmt=True) if asked == "date" else asked
    sources.server.faults.plan(Fault.BUSY, LIVE, times=2, retry_after=header)
    assert read(sources.fpl()).body
    assert sources.pauses == [7.0, 7.0]


@pytest.mark.parametrize("header", ["", "soon", "-5", "0", "²"])
def test_without_a_pause_asked_for_the_pauses_are_random_and_grow(sources: Sources, header: str) -> None:
    sources.server.faults.plan(Fault.BUSY, LIVE, times=TRIES - 1, retry_after=header)
    read(sources.fpl())
    assert len(sources.pauses) == TRIES - 1
    for number, pause in enumerate(sources.pauses):
        assert 0 <= pause <= FIRST_PAUSE_SECONDS * 2**number


@pytest.mark.parametrize("seconds", ["61", "3600", "9" * 400])
def test_a_source_that_asks_for_a_long_pause_is_left_alone(sources: Sources, seconds: str) -> None:
    assert float(seconds) > LONGEST_PAUSE_SECONDS
    sources.server.faults.plan(Fault.BUSY, LIVE, retry_after=seconds)
    with pytest.raises(SourceError, match=r"answers 429 and asks to come back in \d+ s$"):
        read(sources.fpl())
    assert not sources.pauses
    assert len(sources.server.requests) == 1


def test_an_old_copy_is_not_taken_for_news(sources: Sources) -> None:
    path = "/bootstrap-static/"
    newer = read(sources.fpl(), path)
    sources.server.faults.plan(Fault.STALE, path, times=TRIES, older=SATURDAY - timedelta(days=30))
    with pytest.raises(
        SourceError, match=r"gives an old copy, of Thu, 30 Oct 2025 .*; that of Sat, 29 Nov 2025 .* is known"
    ):
        read(sources.fpl(), path)
    assert [one.sha256 for one in sources.answers.answers(newer.origin.address)] == [newer.origin.sha256]
    last = sources.server.requests[-1]
    assert last.headers["cache-control"] == "no-cache"
    assert "cache-control" not in sources.server.requests[0].headers


def test_a_refusal_says_what_to_do(sources: Sources) -> None:
    with pytest.raises(SourceError, match=r"answers 403: see that its token is right$"):
        read(sources.org("another token"), "/v4/competitions/PL/matches")
    sources.server.faults.plan(Fault.FORBIDDEN, LIVE)
    with pytest.raises(SourceError, match=r"answers 403: it refuses this machine; try again later$"):
        read(sources.fpl())
    with pytest.raises(SourceError, match=r"/event/99/live/ answers 404$"):
        read(sources.fpl(), "/event/99/live/")
    assert not sources.pauses


def test_every_request_says_who_asks(sources: Sources) -> None:
    read(sources.fpl())
    assert sources.server.requests[0].headers["user-agent"].startswith("matchday ")


def test_requests_keep_their_distance(sources: Sources) -> None:
    upstream = sources.fpl(pace_seconds=1000.0)
    read(upstream)
    read(upstream, "/fixtures/")
    assert len(sources.pauses) == 1
    assert 900 < sources.pauses[0] <= 1000
    assert upstream.requests == 2


def test_an_address_that_is_none_is_refused_before_anything_is_asked(sources: Sources) -> None:
    with pytest.raises(SourceError, match=r"^fpl: nowhere is not an address of a server"):
        Upstream("fpl", "nowhere", sources.answers)


def test_nobody_at_home_is_one_sentence(sources: Sources) -> None:
    upstream = Upstream("fpl", "http://127.0.0.1:1", sources.answers, sleep=sources.pauses.append)
    with pytest.raises(
        SourceError, match=rf"^fpl: http://127.0.0.1:1 does not answer \(.+\) \(asked {TRIES} times\)$"
    ) as failed:
        read(upstream)
    assert not failed.value.reachable


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff\xfe", b"[" * 200_000, b"1" * 5000], ids=range(6))
def test_what_is_no_json_is_one_sentence(receive: object, body: bytes) -> None:
    with pytest.raises(SourceError, match=r"^fpl: http://source.example/answer gives no whole JSON \(") as failed:
        parse_json("fpl", receive(body))  # type: ignore[operator]
    assert re.fullmatch(r"[^\n]+", str(failed.value))
