"""An event comes back from a record and from a line as it was."""

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday.events import PREDICTIONS, TOPICS, CloudEvent, Topic
from matchday.events.envelope import KafkaRecord

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(min_size=1, max_size=12)
EVENTS = st.builds(
    CloudEvent,
    id=TEXT,
    source=TEXT,
    type=TEXT,
    time=TEXT,
    key=st.text(max_size=12),
    data=JSON,
    traceparent=st.none() | TEXT,
)
EVENT = CloudEvent(
    id="p-7",
    source="/matchday/serving/match-outcome",
    type=PREDICTIONS.type,
    time="2026-05-24T15:00:00.250Z",
    key="match-outcome|ARS|LIV",
    data={"version": "12"},
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


@given(EVENTS)
def test_an_event_comes_back_from_a_record_and_from_a_line(event: CloudEvent) -> None:
    record = event.record()
    assert CloudEvent.from_record(record.key, record.named_headers(), record.value) == event
    line = event.line()
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert CloudEvent.from_line(line) == event


def test_a_record_is_in_binary_mode() -> None:
    """As the Kafka protocol binding of CloudEvents 1.0 has it."""
    assert EVENT.record() == KafkaRecord(
        b"match-outcome|ARS|LIV",
        (
            b"p-7",
            b"/matchday/serving/match-outcome",
            b"matchday.prediction.v1",
            b"1.0",
            b"2026-05-24T15:00:00.250Z",
            b"application/json",
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        b'{"version":"12"}',
    )
    names = [name for name, _ in EVENT.record().named_headers()]
    assert names == ["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "content-type", "traceparent"]
    assert "traceparent" not in dict(EVENT._replace(traceparent=None).record().named_headers())


def test_data_that_is_ready_is_not_encoded_again() -> None:
    ready = EVENT._replace(data=orjson.Fragment(b'{"version":  "12"}'))
    assert ready.record().value == b'{"version":  "12"}'
    assert CloudEvent.from_line(ready.line()) == EVENT


@pytest.mark.parametrize("line", [b"", b"7", b"null", b"[]", b"{}", b'{"id":"1"}', b"\xff", b'{"id":'])
def test_what_is_no_event_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        CloudEvent.from_line(line)
    with pytest.raises(ValueError):
        CloudEvent.from_record(None, [], line)


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff"])
def test_a_record_without_json_is_a_value_error(value: bytes | None) -> None:
    with pytest.raises(ValueError):
        CloudEvent.from_record(b"k", EVENT.record().named_headers(), value)
    with pytest.raises(ValueError):
        CloudEvent.from_record(b"k", [*EVENT.record().named_headers(), ("other", b"\xff")], b"{")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_a_schema_of_its_own_version(topic: Topic) -> None:
    schema = topic.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert topic.name.startswith("matchday.") and topic.type.startswith("matchday.")
    version = topic.name.rsplit(".", 1)[1]
    assert topic.type.endswith(f".{version}") and schema["$id"].endswith(f":{version}")
    assert topic.name in schema["description"] and topic.type in schema["description"]


def test_topics_share_neither_name_nor_type() -> None:
    assert len({topic.name for topic in TOPICS}) == len({topic.type for topic in TOPICS}) == len(TOPICS)
