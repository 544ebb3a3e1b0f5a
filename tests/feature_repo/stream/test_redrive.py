"""Dead letters of a file go back once; whatever fails in between, none is lost."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from feature_repo.error import FeatureStoreError
from feature_repo.stream.opening import FileLetters
from feature_repo.stream.redrive import Ends, redrive_file
from feature_repo.stream.screening import MOST_BYTES
from matchday.events import DEAD_LETTERS, RESULTS, CloudEvent, EventsError
from matchday.events.group_consumer import PartitionState
from matchday.events.received import Received
from tests.feature_repo.stream import small
from tests.feature_repo.stream.small import SEASON, Said
from tests.feature_repo.stream.test_screening import NOW, TEAMS, dead_letter, found, received

POISON = received(match="2526-ARS-XXX")._replace(key=b"2526-ARS-XXX")


def letter(record: Received = POISON) -> CloudEvent:
    poison = found(record)
    assert not hasattr(poison, "fact") and TEAMS
    return dead_letter(record, poison, NOW)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stream" / "dead-letters.jsonl"


def test_letters_go_back_as_they_came_and_only_once(path: Path) -> None:
    FileLetters(path).send([letter(), letter(POISON._replace(offset=42))])
    sent: list[Said] = []
    done = redrive_file(path, sent.extend)
    assert (dict(done.sent), dict(done.left)) == ({RESULTS.name: 2}, {})
    for topic, event in sent:
        assert topic is RESULTS
        assert (event.key.encode(), event.record().value) == (POISON.key, event.record().value)
        assert event.data["match"] == "2526-ARS-XXX"
    assert not path.exists()
    assert dict(redrive_file(path, sent.extend).sent) == {}
    assert len(sent) == 2


def test_without_a_file_there_is_nothing_to_do(path: Path) -> None:
    assert dict(redrive_file(path, lambda events: None).sent) == {}


def test_a_redrive_that_fails_is_finished_by_the_next(path: Path) -> None:
    FileLetters(path).send([letter()])

    def refuse(events: Sequence[Said]) -> None:
        raise FeatureStoreError("the store is away")

    with pytest.raises(FeatureStoreError):
        redrive_file(path, refuse)
    FileLetters(path).send([letter(POISON._replace(offset=42))])
    sent: list[Said] = []
    assert redrive_file(path, sent.extend).sent[RESULTS.name] == 2
    assert len(sent) == 2


def test_what_is_no_letter_and_what_cannot_go_back_is_counted(path: Path) -> None:
    path.parent.mkdir()
    for bad in (b"{\n", b"[1]\n", small.events(SEASON, 1)[0][1].line()):
        with path.open("ab") as file:
            file.write(bad)
    broken = letter()._replace(data={**letter().data, "value": "x"})
    letters = [
        letter(received()._replace(value=b" " * (MOST_BYTES + 1))),
        letter(received()._replace(topic="another.v1")),
        letter(received()._replace(value=b"{")),
        broken,
    ]
    FileLetters(path).send(letters)
    done = redrive_file(path, lambda events: None)
    assert dict(done.left) == {"no dead letter": 4, "too large to be kept": 1, "unknown topic": 1, "no event": 1}
    assert not done.sent.total()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EventsError, match="dead letters cannot be written"):
        FileLetters(tmp_path / "file" / "dead-letters.jsonl").send([letter()])


def test_letters_that_come_while_others_go_back_wait_for_the_next_time() -> None:
    """Else a redrive of what is still poison never ends while the processor runs."""
    ends, place = Ends(), (DEAD_LETTERS.name, 0)
    assert not ends.are_reached([])
    assert not ends.are_reached([place])
    assert ends.choose(PartitionState(place, 2, 0, 5)) == 2
    record = received()._replace(topic=place[0], partition=place[1])
    assert [one.offset for one in ends.take([record._replace(offset=at) for at in (2, 3)])] == [2, 3]
    assert not ends.are_reached([place])
    assert [one.offset for one in ends.take([record._replace(offset=at) for at in (4, 5, 6)])] == [4]
    assert ends.are_reached([place])
    assert ends.choose(PartitionState(place, None, 7, 9)) == 7
    assert ends.are_reached([place])
