"""Forecasts that people got are scored once there is a result, and again once it is corrected."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matchday.events import CloudEvent
from matchday.events.file_producer import FileProducer
from matchday.lake import Lake
from matchday.registry import Registry, RegistryError
from matchday.results import Results
from matchday.tables import Matches
from rollout.observations import scores as observed
from rollout.observations.log import OWN_ID, ForecastLog
from rollout.observations.scores import PairedScores
from rollout.sources import SourceError
from tests.matches import PLAYED, SATURDAY, registry_of_walks
from tests.rollout.observations.test_log import file_log
from tests.serving.log.samples import encoded, prediction

MODEL = "match-outcome"
START = SATURDAY.timestamp()
GOOD, BAD = (0.7, 0.2, 0.1), (0.1, 0.2, 0.7)
GAP = (0.3**2 + 0.1**2 - 0.9**2 - 0.7**2) / 2
"""RPS of GOOD minus that of BAD, when the home team wins."""


def said(
    version: str, output: Sequence[float], home: str = "ARS", away: str = "LIV", before: float = 60.0, **more: Any
) -> CloudEvent:
    about = {"entities": {"home": [home], "away": [away]}, "kickoffs": [START], "time": START - before}
    given = about | {"version": version, "output": np.array([output], np.float32)} | more
    return encoded(0, prediction(0, **given))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return registry_of_walks(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "predictions.jsonl"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    lake.write(Matches, PLAYED)
    return lake


def scores(registry: Registry, log: ForecastLog | None, lake: Lake) -> PairedScores:
    return PairedScores(registry, log, Results(lake))


def test_the_last_forecasts_of_both_are_compared(registry: Registry, path: Path, lake: Lake) -> None:
    seen = scores(registry, file_log(path), lake)
    assert seen.live(MODEL, "12", "13") is None
    producer = FileProducer(path)
    producer.send([said("12", GOOD, before=3600), said("13", GOOD), said("12", BAD), said("12", GOOD, before=-1)])
    producer.send([said("12", GOOD, "LIV", "MCI"), said("13", GOOD, "MCI", "ARS"), said("13", GOOD, "MCI", "BOU")])
    found = seen.live(MODEL, "12", "13")
    assert found == pytest.approx([GAP])
    assert seen.live(MODEL, "13", "12") == pytest.approx([-GAP])
    assert seen.live("weather", "12", "13") is None
    assert seen.live(MODEL, "12", "14") is None
    producer.send([said("12", GOOD, "MCI", "BOU")])
    again = seen.live(MODEL, "12", "13")
    assert again == pytest.approx([GAP, 0])
    assert scores(registry, file_log(path), lake).live(MODEL, "12", "13") == pytest.approx([GAP, 0])


def test_a_corrected_result_is_a_corrected_score(registry: Registry, path: Path, lake: Lake) -> None:
    FileProducer(path).send([said("12", BAD), said("13", GOOD)])
    seen = scores(registry, file_log(path), lake)
    assert seen.live(MODEL, "12", "13") == pytest.approx([GAP])
    lake.write(Matches, PLAYED.assign(home_goals=0, away_goals=3))
    assert seen.live(MODEL, "12", "13") == pytest.approx([-GAP])
    lake.write(Matches, PLAYED[1:])
    assert seen.live(MODEL, "12", "13") is None


def test_what_is_no_forecast_of_a_match_does_not_count(registry: Registry, path: Path, lake: Lake) -> None:
    later = [START + 30 * 86_400]
    FileProducer(path).send(
        [
            said("13", GOOD),
            said("12", GOOD, kickoffs=[]),
            said("12", GOOD, kickoffs=later),
            said("12", GOOD, entities={}),
            said("12", GOOD, entities={"home": ["ARS"]}),
            said("12", [3.5], labels=("points",)),
            said("12", GOOD, request_id=f"{OWN_ID}0-1"),
            said("12", GOOD, kickoffs=[START - 60], before=59.0),
        ]
    )
    assert scores(registry, file_log(path), lake).live(MODEL, "12", "13") is None


class Away:
    """A log that cannot be read."""

    def since(self, place: Any, most: int) -> tuple[list[Any], Any]:
        raise SourceError("Kafka does not answer")


def test_without_a_log_or_results_there_are_no_live_scores(registry: Registry, path: Path, tmp_path: Path) -> None:
    empty = Lake(str(tmp_path / "empty"))
    FileProducer(path).send([said("12", BAD), said("13", GOOD)])
    for log in (None, file_log(path), file_log(tmp_path / "none.jsonl")):
        assert scores(registry, log, empty).live(MODEL, "12", "13") is None


def test_a_log_or_results_that_cannot_be_read_are_not_absent(
    registry: Registry, path: Path, lake: Lake, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="Kafka does not answer"):
        scores(registry, Away(), lake).live(MODEL, "12", "13")
    FileProducer(path).send([said("12", BAD), said("13", GOOD)])
    for part in (tmp_path / "lake").rglob("*.parquet"):
        part.write_bytes(b"damaged")
    with pytest.raises(SourceError, match="scores of matches played since"):
        scores(registry, file_log(path), Lake(str(tmp_path / "lake"))).live(MODEL, "12", "13")


def test_history_is_of_the_registry(registry: Registry, lake: Lake) -> None:
    seen = scores(registry, None, lake)
    found = seen.history(MODEL, "1", "2", 3)
    assert found is not None
    assert len(found) == 3
    assert seen.history(MODEL, "1", "3", 52) is None
    assert seen.history("weather", "1", "2", 52) is None
    with pytest.raises(RegistryError, match="could not"):
        scores(Registry("http://127.0.0.1:1"), None, lake).history(MODEL, "1", "2", 52)


@pytest.mark.parametrize("error", [OSError("no disk"), ValueError("no Parquet"), KeyError("forecaster")])
def test_damaged_forecasts_of_the_past_are_not_absent(
    registry: Registry, lake: Lake, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("matchday.models.skill.registered_forecasts", fail)
    with pytest.raises(SourceError, match="walk-forward forecasts of match-outcome 1 or 2 are damaged: "):
        scores(registry, None, lake).history(MODEL, "1", "2", 52)


def test_a_busy_log_is_kept_by_match(registry: Registry, path: Path, lake: Lake) -> None:
    FileProducer(path).send([said("12", BAD, before=60 + number) for number in range(3000)] + [said("13", GOOD)])
    seen = scores(registry, file_log(path), lake)
    assert seen.live(MODEL, "12", "13") == pytest.approx([GAP])
    assert len(seen._forecasts) == 2


def test_a_late_entry_does_not_replace_a_later_forecast(registry: Registry, path: Path, lake: Lake) -> None:
    seen = scores(registry, file_log(path), lake)
    FileProducer(path).send([said("12", BAD), said("13", GOOD)])
    assert seen.live(MODEL, "12", "13") == pytest.approx([GAP])
    FileProducer(path).send([said("12", GOOD, before=600)])
    assert seen.live(MODEL, "12", "13") == pytest.approx([GAP])


def test_what_nobody_plays_is_forgotten_first(
    registry: Registry,
    path: Path,
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observed, "MOST_KEPT", 10)
    made = [said("12", GOOD, kickoffs=[START + number], before=1000 - number) for number in range(30)]
    FileProducer(path).send([*made, said("12", BAD), said("13", GOOD)])
    seen = scores(registry, file_log(path), lake)
    assert seen.live(MODEL, "12", "13") == pytest.approx([GAP])
    assert len(seen._forecasts) == 10
