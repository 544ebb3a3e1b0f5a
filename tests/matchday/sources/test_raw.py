"""Answers as they were received: by content, with what is known of each address."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from matchday.sources.raw import RawAnswers, RawError
from matchday.storage import Storage

NOW = datetime(2025, 11, 29, 16, tzinfo=UTC)
HERE, THERE = "http://source.example/a", "http://source.example/b"


@pytest.fixture
def answers(tmp_path: Path) -> RawAnswers:
    return RawAnswers(Storage(tmp_path.as_uri()))


def bodies(folder: Path) -> list[Path]:
    return sorted((folder / "raw" / "bodies").iterdir())


def test_a_body_comes_back_as_it_was(answers: RawAnswers) -> None:
    for body in (b"", b"one", bytes(range(256)) * 100):
        assert answers.body(answers.keep(HERE, body, NOW).sha256) == body


def test_the_same_body_is_kept_once_and_known_since_it_first_came(answers: RawAnswers, tmp_path: Path) -> None:
    first = answers.keep(HERE, b"same", NOW, '"1"')
    again = answers.keep(HERE, b"same", NOW + timedelta(days=1), '"1"')
    answers.keep(THERE, b"same", NOW)
    assert again == first
    assert len(bodies(tmp_path)) == 1


def test_new_validators_of_the_same_body_are_noted(answers: RawAnswers) -> None:
    first = answers.keep(HERE, b"same", NOW, '"1"', "Sat, 29 Nov 2025 16:00:00 GMT")
    answers.mark_read(first)
    again = answers.keep(HERE, b"same", NOW + timedelta(days=1), '"2"', "Sun, 30 Nov 2025 16:00:00 GMT")
    assert again == replace(first, etag='"2"', last_modified="Sun, 30 Nov 2025 16:00:00 GMT", read=True)
    assert answers.newest(HERE) == again


def test_an_earlier_body_that_comes_back_is_a_new_answer(answers: RawAnswers) -> None:
    for hour, body in enumerate((b"one", b"two", b"one")):
        answers.mark_read(answers.keep(HERE, body, NOW + timedelta(hours=hour)))
    assert [answer.moment for answer in answers.answers(HERE)] == [NOW + timedelta(hours=hour) for hour in range(3)]
    newest = answers.newest(HERE)
    assert newest is not None
    assert newest.moment == NOW + timedelta(hours=2)


def test_the_newest_answer_is_one_that_could_be_read_and_is_there(answers: RawAnswers, tmp_path: Path) -> None:
    assert answers.newest(HERE) is None
    good = answers.keep(HERE, b"good", NOW)
    assert answers.newest(HERE) is None
    answers.mark_read(good)
    answers.keep(HERE, b"page", NOW)
    assert answers.newest(HERE) == replace(good, read=True)
    (tmp_path / "raw" / "bodies" / f"{good.sha256}.gz").unlink()
    assert answers.newest(HERE) is None


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", b"text"])
def test_a_damaged_body_is_one_sentence(answers: RawAnswers, tmp_path: Path, damage: bytes) -> None:
    kept = answers.keep(HERE, b"body", NOW)
    bodies(tmp_path)[0].write_bytes(damage)
    with pytest.raises(RawError, match=r"\.gz is damaged; delete it, and restore it from a backup$"):
        answers.body(kept.sha256)


def test_a_body_that_is_gone_is_one_sentence(answers: RawAnswers) -> None:
    with pytest.raises(RawError, match=r"is gone: its retention is over$"):
        answers.body("0" * 64)


def test_a_record_that_cannot_be_read_holds_nothing(answers: RawAnswers, tmp_path: Path) -> None:
    answers.mark_read(answers.keep(HERE, b"body", NOW))
    (record,) = (tmp_path / "raw" / "answers").iterdir()
    for damage in (b"", b"{", b'[{"surprise": 1}]', b"[1]"):
        record.write_bytes(damage)
        assert answers.answers(HERE) == []
        assert answers.newest(HERE) is None
    answers.mark_read(answers.keep(HERE, b"body", NOW))
    assert answers.newest(HERE) is not None


def test_old_answers_go_but_for_the_newest_and_the_needed(answers: RawAnswers) -> None:
    """A body that was written just now stays too: another update may be about to name it."""
    old = datetime.now(UTC) - timedelta(days=60)
    needed = answers.keep(HERE, b"needed", old)
    gone = answers.keep(HERE, b"gone", old)
    shared = answers.keep(HERE, b"shared", old)
    last = answers.keep(HERE, b"last", old)
    answers.keep(THERE, b"shared", old)
    later = datetime.now(UTC) + timedelta(days=31)
    assert answers.sweep(datetime.now(UTC), timedelta(days=30), [needed.sha256]) == 0
    answers.keep(HERE, b"gone too", old)
    assert answers.sweep(later, timedelta(days=30), [needed.sha256]) == 2
    assert [answers.body(one.sha256) for one in (needed, shared)] == [b"needed", b"shared"]
    for one in (gone, last):
        with pytest.raises(RawError):
            answers.body(one.sha256)
    assert [answer.sha256 for answer in answers.answers(THERE)] == [shared.sha256]
