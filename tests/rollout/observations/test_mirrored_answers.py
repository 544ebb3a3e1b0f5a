"""Logged answers to copied requests are paired by the request's id, each question once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matchday.events import PREDICTIONS, CloudEvent
from matchday.events.file_consumer import FileConsumer
from matchday.events.file_producer import FileProducer
from rollout.observations import mirrored
from rollout.observations.log import EventLog, LoggedRows
from rollout.observations.mirrored import MirroredAnswers
from rollout.sources import SourceError
from tests.serving.log.samples import MOMENT, encoded, prediction

MODEL, ASKED = "match-outcome", ("match-outcome", "12", "13")
TEAMS = ("BOU", "LIV", "MCI", "WHU")


def answer(number: int, version: str, away: str = "", chance: float = 0.5, **changes: Any) -> CloudEvent:
    """A version's answer to request `number` for a match of Arsenal's."""
    about = {
        "request_id": f"r{number}",
        "version": version,
        "variant": "stable" if version == "12" else "mirror",
        "entities": {"home": ["ARS"], "away": [away or TEAMS[number % len(TEAMS)]]},
        "output": np.array([[chance, 0.75 - chance, 0.25]], np.float32),
        "time": MOMENT + number,
    }
    return encoded(number, prediction(number, **(about | changes)))


@pytest.fixture
def log(tmp_path: Path) -> tuple[FileProducer, MirroredAnswers]:
    path = tmp_path / "predictions.jsonl"
    return FileProducer(path), MirroredAnswers(EventLog(FileConsumer(path, PREDICTIONS)))


Log = tuple[FileProducer, MirroredAnswers]


def test_answers_of_both_versions_to_the_same_request_are_a_pair_in_whatever_order(log: Log) -> None:
    producer, answers = log
    assert answers.pairs(*ASKED) is None
    producer.send([answer(0, "12", chance=0.5), answer(1, "13", chance=0.125)])
    assert answers.pairs(*ASKED) is None
    producer.send([answer(1, "12", chance=0.25), answer(0, "13", chance=0.375), answer(2, "12")])
    found = answers.pairs(*ASKED)
    assert found is not None
    pairs = sorted(zip(found.stable[:, 0].tolist(), found.canary[:, 0].tolist(), strict=True))
    assert pairs == [(0.25, 0.125), (0.5, 0.375)]
    assert set(found.entities.names) == {"ARS", "BOU", "LIV"}


def test_requests_with_other_ids_versions_or_models_are_no_pair(log: Log) -> None:
    producer, answers = log
    producer.send([answer(0, "12"), answer(0, "13", request_id="of the server's own"), answer(0, "14")])
    producer.send([answer(0, "13", model="player-points"), answer(0, "12"), answer(0, "13", away="MCI")])
    assert answers.pairs(*ASKED) is None


def test_a_question_counts_once_however_often_it_is_asked(log: Log) -> None:
    producer, answers = log
    for number in range(40):
        producer.send([answer(number, version) for version in ("12", "13")])
    found = answers.pairs(*ASKED)
    assert found is not None and len(found.stable) == len(TEAMS)


def test_rows_of_one_request_are_paired_by_what_they_are_about(log: Log) -> None:
    producer, answers = log
    producer.send([answer(7, version, away) for away in TEAMS for version in ("13", "12")])
    found = answers.pairs(*ASKED)
    assert found is not None and len(found.stable) == len(TEAMS)


def test_an_answer_with_other_columns_is_no_forecast(log: Log) -> None:
    producer, answers = log
    other = {"labels": ("A", "B"), "output": np.array([[0.5, 0.5]], np.float32)}
    producer.send([answer(0, "12"), answer(0, "13", **other), answer(1, "12"), answer(1, "13")])
    found = answers.pairs(*ASKED)
    assert found is not None
    assert np.isnan(found.canary).all(axis=1).tolist() == [True, False]


def test_another_candidate_begins_anew(log: Log) -> None:
    producer, answers = log
    producer.send([answer(0, version) for version in ("12", "13", "14")])
    assert answers.pairs(*ASKED) is not None
    found = answers.pairs(MODEL, "12", "14")
    assert found is not None and len(found.stable) == 1
    assert answers.pairs(MODEL, "12", "15") is None


def test_what_is_kept_is_bounded(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrored, "MOST_WAITING", 5)
    monkeypatch.setattr(mirrored, "MOST_PAIRS", 2)
    producer, answers = log
    producer.send([answer(number, "12") for number in range(12)])
    assert answers.pairs(*ASKED) is None
    producer.send([answer(number, "13") for number in range(8, 12)])
    found = answers.pairs(*ASKED)
    assert found is not None and len(found.stable) == 2
    assert len(answers._pairings[MODEL]._waiting) <= 5


def test_a_log_that_cannot_be_read_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="prediction log cannot be read"):
        MirroredAnswers(EventLog(FileConsumer(tmp_path, PREDICTIONS))).pairs(*ASKED)


def test_copies_are_no_rows_that_people_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    FileProducer(path).send([answer(0, "12"), answer(0, "13"), answer(1, "13")])
    [row] = LoggedRows(EventLog(FileConsumer(path, PREDICTIONS))).rows(MODEL, 10)
    assert row.version == "12"
