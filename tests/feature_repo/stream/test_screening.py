"""Every kind of bad input is poison with its reason; nothing whatsoever raises; letters keep their schema."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feature_repo.stream.dead_letters import dead_letter
from feature_repo.stream.redrive import record_of, why_left
from feature_repo.stream.screening import MOST_BYTES, Poison, Screened, screen
from matchday.events import DEAD_LETTERS, PLAYER_STATS, PREDICTIONS, RESULTS, Topic
from matchday.events.received import Received
from matchday.events.validation import complaint
from matchday.stream.messages import stream_event

NOW = datetime(2026, 5, 30, 12, tzinfo=UTC)
TEAMS = {"2526": ("ARS", "LIV", "MCI")}
RESULT = {
    "match": "2526-ARS-LIV",
    "kickoff": "2026-05-24T15:00:00.000Z",
    "home_goals": 2,
    "away_goals": 1,
    "gameweek": 38,
    "revision": 1,
}
STATS = {"match": "2526-ARS-LIV", "player": 7, "team": "LIV", "minutes": 90, "revision": 1, "xg": 0.4}
LARGEST_IN_KAFKA = 1024 * 1024


def received(topic: Topic = RESULTS, time: datetime = NOW, without: str = "", **data: Any) -> Received:
    """A record with good data but for some."""
    good = STATS if topic is PLAYER_STATS else RESULT
    record = stream_event(topic, good, time, "/test").record()
    said = {name: value for name, value in {**good, **data}.items() if name != without}
    value = json.dumps(said).encode()
    return Received(topic.name, 3, 41, record.key, record.named_headers(), value, NOW.timestamp())


def headers_with(**changed: str | bytes | None) -> list[tuple[str, Any]]:
    """The headers of a good record, some with another value; without those that are empty text."""
    named: dict[str, Any] = dict(received().headers)
    named |= {name: value.encode() if isinstance(value, str) else value for name, value in changed.items()}
    return [(name, value) for name, value in named.items() if value != b""]


def found(record: Received) -> Screened | Poison:
    return screen(record, lambda season: TEAMS.get(season, ()), NOW.timestamp())


def nested(depth: int) -> bytes:
    return received().value[:-1] + b',"more":' + b"[" * depth + b"]" * depth + b"}"  # type: ignore[index]


BAD = {
    "malformed": (received()._replace(value=b'{"match": "2526-ARS'), "no-event", "end of data"),
    "no JSON": (received()._replace(value=b"\x00\xff"), "no-event", ""),
    "NaN": (received()._replace(value=b'{"home_goals": NaN}'), "no-event", ""),
    "no object": (received()._replace(value=b"[1, 2]"), "schema", "object"),
    "empty": (received()._replace(value=b""), "no-event", ""),
    "no value": (received()._replace(value=None), "size", "0 bytes"),
    "5 MB": (received()._replace(value=b" " * 5_000_000), "size", "5,000,000"),
    "nested": (received()._replace(value=nested(600)), "schema", "cannot be kept"),
    "nested without end": (received()._replace(value=nested(100_000)), "no-event", ""),
    "no key": (received()._replace(key=None), "no-key", "key"),
    "empty key": (received()._replace(key=b""), "no-key", "key"),
    "key of no text": (received()._replace(key=b"\xff\xfe"), "no-event", "utf-8"),
    "key of another match": (received()._replace(key=b"2526-LIV-ARS"), "wrong-key", "2526-LIV-ARS"),
    "no headers": (received()._replace(headers=[]), "no-event", "ce_id"),
    "null header": (received()._replace(headers=headers_with(ce_time=None)), "no-event", ""),
    "header of no text": (received()._replace(headers=headers_with(ce_id=b"\xff")), "no-event", "utf-8"),
    "no id": (received()._replace(headers=headers_with(ce_id="")), "no-event", "ce_id"),
    "naive time": (received()._replace(headers=headers_with(ce_time="2026-05-24T15:00:00")), "no-event", "time zone"),
    "no time": (received()._replace(headers=headers_with(ce_time="yesterday")), "no-event", "yesterday"),
    "newer version": (received()._replace(headers=headers_with(ce_type="matchday.result.v2")), "wrong-type", "v2"),
    "other type": (received()._replace(headers=headers_with(ce_type=PREDICTIONS.type)), "wrong-type", "prediction"),
    "other topic": (received()._replace(topic=PREDICTIONS.name), "unknown-topic", PREDICTIONS.name),
    "no match": (received(without="match"), "schema", "match"),
    "no revision": (received(without="revision"), "schema", "revision"),
    "negative revision": (received(revision=-1), "schema", "revision"),
    "huge revision": (received(revision=2**53), "schema", "revision"),
    "text for goals": (received(home_goals="2"), "schema", "home_goals"),
    "half a goal": (received(home_goals=1.5), "schema", "home_goals"),
    "null home goals alone": (received(home_goals=None), "schema", "together"),
    "null away goals alone": (received(away_goals=None), "schema", "together"),
    "naive kick-off": (received(kickoff="2026-05-24T15:00:00"), "schema", "kickoff"),
    "kick-off on no day": (received(kickoff="2026-02-30T15:00:00Z"), "schema", "kickoff"),
    "kick-off before the season": (received(kickoff="2025-06-30T15:00:00Z"), "schema", "2526"),
    "kick-off after the season": (received(kickoff="2026-08-01T15:00:00Z"), "schema", "2526"),
    "negative minutes": (received(PLAYER_STATS, minutes=-1), "schema", "minutes"),
    "more minutes than there are": (received(PLAYER_STATS, minutes=131), "schema", "minutes"),
    "no minutes": (received(PLAYER_STATS, without="minutes"), "schema", "minutes"),
    "unknown season": (
        received(match="2425-ARS-LIV", kickoff="2025-05-24T15:00:00Z")._replace(key=b"2425-ARS-LIV"),
        "unknown-season",
        "2425",
    ),
    "unknown team": (received(match="2526-ARS-XXX")._replace(key=b"2526-ARS-XXX"), "unknown-team", "XXX"),
    "against itself": (received(match="2526-ARS-ARS")._replace(key=b"2526-ARS-ARS"), "unknown-team", "ARS"),
    "player of a third team": (received(PLAYER_STATS, team="MCI"), "unknown-team", "MCI"),
    "from the future": (received(time=NOW + timedelta(seconds=301)), "future", "the event lies 301 s ahead"),
    "kick-off in the future": (received(kickoff="2026-05-31T15:00:00Z"), "future", "the kick-off lies"),
}


@pytest.mark.parametrize(("record", "reason", "error"), BAD.values(), ids=BAD)
def test_bad_input_is_poison_and_its_letter_holds_the_record(record: Received, reason: str, error: str) -> None:
    poison = found(record)
    assert isinstance(poison, Poison)
    assert poison.reason == reason
    assert error in poison.error and poison.error
    letter = dead_letter(record, poison, NOW)
    assert complaint(DEAD_LETTERS, letter.data) == ""
    assert letter.data["origin"] == {"topic": record.topic, "partition": 3, "offset": 41}
    assert (letter.type, letter.data["reason"]) == (DEAD_LETTERS.type, reason)
    assert letter.data["bytes"] == len(record.value or b"")
    if not why_left(letter):
        back = record_of(letter)
        assert back is not None
        assert (back.key, back.value) == (record.key or b"", record.value)
        assert dict(back.named_headers()) == {name: value for name, value in record.headers if value}


@pytest.mark.parametrize(
    "record",
    [
        received(),
        received(PLAYER_STATS),
        received(PLAYER_STATS, minutes=0, xg=None),
        received(time=NOW + timedelta(seconds=299)),
        received(home_goals=None, away_goals=None),
        received(home_goals=None, away_goals=None, kickoff="2026-06-20T15:00:00Z"),
        received(gameweek=None),
        received(more={"of": ["what", "is", "not", "known"]}),
        received()._replace(headers=headers_with(traceparent="00-nonsense")),
        received()._replace(headers=headers_with(traceparent=None)),
    ],
    ids=["result", "stats", "bench", "clock", "annulled", "put off", "no gameweek", "more", "trace", "null trace"],
)
def test_what_is_good_goes_through(record: Received) -> None:
    assert isinstance(found(record), Screened)


def test_a_whole_number_is_an_integer_however_it_is_written() -> None:
    """To JSON Schema, 7.0 is one; it must not make a second player."""
    plain, written = found(received(PLAYER_STATS)), found(received(PLAYER_STATS, player=7.0, revision=1.0))
    assert isinstance(plain, Screened) and isinstance(written, Screened)
    assert plain.fact.subject == written.fact.subject == "7"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.dictionaries(st.sampled_from([*RESULT, *STATS]), JSON, max_size=4)
VALUES = st.none() | st.binary(max_size=60) | FIELDS.map(lambda changed: json.dumps({**RESULT, **changed}).encode())
TIMES = st.text(max_size=30) | st.datetimes().map(datetime.isoformat) | st.just(NOW.isoformat())
NAMES = st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_source", "x", "traceparent"])
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary()), max_size=5) | st.builds(
    lambda time: headers_with(ce_time=time or "?"), TIMES
)


@given(
    st.sampled_from([RESULTS.name, PLAYER_STATS.name, "else"]),
    st.none() | st.binary(max_size=20) | st.just(b"2526-ARS-LIV"),
    HEADERS,
    VALUES,
)
@example(RESULTS.name, b"2526-ARS-LIV", headers_with(ce_time="0001-01-01T00:00:00+23:59"), received().value)
@example(RESULTS.name, b"2526-ARS-LIV", received().headers, received(kickoff="9999-12-31T23:59:59Z").value)
@example(RESULTS.name, b"2526-ARS-LIV", received().headers, received(kickoff="0000-01-01T00:00:00Z").value)
def test_nothing_raises_and_every_letter_keeps_its_schema(
    topic: str, key: bytes | None, headers: list[tuple[str, bytes]], value: bytes | None
) -> None:
    record = Received(topic, 0, 0, key, headers, value, 0.0)
    answer = found(record)
    if isinstance(answer, Poison):
        letter = dead_letter(record, answer, NOW)
        assert complaint(DEAD_LETTERS, letter.data) == ""
        why_left(letter) or record_of(letter)


@pytest.mark.parametrize(
    "record",
    [
        received()._replace(value=b"x" * MOST_BYTES),
        received()._replace(value=b"x" * MOST_BYTES, key=b"k" * MOST_BYTES),
        received()._replace(key=b"k" * 900_000),
        received()._replace(headers=[("ce_type", b"t" * 900_000)]),
        received()._replace(headers=headers_with(ce_type=b"t" * 400_000)),
        received()._replace(headers=[(f"h{number}", b"x" * 100) for number in range(9_000)]),
    ],
    ids=["value", "value and key", "key", "header", "type", "headers"],
)
def test_a_letter_always_fits_into_kafka(record: Received) -> None:
    poison = found(record)
    assert isinstance(poison, Poison)
    letter = dead_letter(record, poison, NOW)
    assert complaint(DEAD_LETTERS, letter.data) == ""
    sent = letter.record()
    assert len(sent.value) + len(sent.key) + sum(map(len, sent.headers)) < LARGEST_IN_KAFKA
