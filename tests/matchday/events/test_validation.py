"""Data of events are checked against the published schemas, and the complaint names the place."""

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday.events import PLAYER_STATS, RESULTS, TOPICS, Topic
from matchday.events.validation import LONGEST, complaint, is_valid

RESULT = {"match": "2526-ARS-LIV", "kickoff": "2026-05-24T15:00:00Z", "home_goals": 2, "away_goals": 1, "revision": 1}
STATS = {"match": "2526-ARS-LIV", "player": 7, "team": "ARS", "revision": 1, "minutes": 90}
SOME = st.none() | st.booleans() | st.integers(-3, 200) | st.floats(-2, 40) | st.text(max_size=5) | st.just([])


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_schemas_are_json_schemas(topic: Topic) -> None:
    jsonschema.Draft202012Validator.check_schema(topic.schema())
    assert topic.schema()["description"]


@given(st.sampled_from([(RESULTS, RESULT), (PLAYER_STATS, STATS)]), st.data())
def test_both_validators_agree(case: tuple[Topic, dict[str, object]], data: st.DataObject) -> None:
    """The fast one in use and the reference in Python."""
    topic, good = case
    field = data.draw(st.sampled_from(sorted(topic.schema()["properties"])))
    said = good | {field: data.draw(SOME)}
    valid = jsonschema.Draft202012Validator(topic.schema()).is_valid(said)
    assert is_valid(topic, said) == valid
    assert (complaint(topic, said) == "") == valid
    if not valid:
        assert field in complaint(topic, said)


def test_a_complaint_is_short_whatever_is_wrong() -> None:
    said = complaint(RESULTS, RESULT | {"home_goals": "x" * 100_000})
    assert said.startswith("home_goals: ") and len(said) == LONGEST
    assert complaint(RESULTS, []).startswith("the event: ")
