"""The record of forecasts: the same twice changes nothing, the kick-off locks, the hash proves."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.forecasts.batch import ForecastBatch
from matchday.forecasts.record import ForecastRecord, RecordedForecast, RecordError
from matchday.forecasts.scheduled import OutcomeForecast, ScheduledMatch
from matchday.lake import Lake, LakeError
from matchday.tables import Forecasts
from tests.matchday.forecasts.league_ahead import FIRST, batch, rounds, scheduled

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MATCHES = rounds()


@contextmanager
def new_record() -> Iterator[tuple[ForecastRecord, Path]]:
    with TemporaryDirectory() as folder:
        yield ForecastRecord(folder), Path(folder)


def clock(moment: datetime):
    return lambda: moment


def by_match(rows: list[RecordedForecast]) -> dict[str, RecordedForecast]:
    return {f"{row.version}/{row.forecast.match.match_id}": row for row in rows}


def test_a_batch_is_written_beside_its_hash(tmp_path: Path) -> None:
    made = batch(MATCHES[:3], FIRST - DAY)
    recorded = ForecastRecord(str(tmp_path)).add(made, clock(FIRST - DAY))
    content = (tmp_path / "forecast_batches" / f"{recorded.sha256}.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == recorded.sha256 == made.sha256
    assert recorded.batches == (made.sha256,) and [row.forecast for row in recorded.rows] == list(made.forecasts)
    stored = Lake(str(tmp_path)).read(Forecasts)
    assert stored["batch"].unique().tolist() == [made.sha256] and len(stored) == 3


def test_the_same_again_changes_nothing_and_another_number_replaces(tmp_path: Path) -> None:
    record = ForecastRecord(str(tmp_path))
    first = record.add(batch(MATCHES[:2], FIRST - 2 * DAY), clock(FIRST - 2 * DAY))
    again = record.add(batch(MATCHES[:2], FIRST - DAY), clock(FIRST - DAY))
    assert again.sha256 is None and again.rows == first.rows
    other = record.add(batch(MATCHES[:2], FIRST - HOUR, home_win=0.6), clock(FIRST - HOUR))
    assert other.sha256 and {row.forecast.probabilities for row in record.read()} == {(0.6, 0.2, 0.2)}
    assert len(list((tmp_path / "forecast_batches").iterdir())) == 2, "what was said before is still there"


def test_a_forecast_at_and_after_the_kick_off_is_refused(tmp_path: Path) -> None:
    record = ForecastRecord(str(tmp_path))
    for moment in (FIRST, FIRST + HOUR):
        with pytest.raises(RecordError, match=r"2627-ARS-CHE has kicked off .* is not recorded"):
            record.add(batch(MATCHES[:3], FIRST - HOUR), clock(moment))
        with pytest.raises(RecordError, match="has kicked off"):
            record.add(batch(MATCHES[:3], moment), clock(moment))
    assert record.read() == [] and not (tmp_path / "forecast_batches").exists()


def test_a_forecast_of_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="set the clock"):
        ForecastRecord(str(tmp_path)).add(batch(MATCHES[:1], FIRST - HOUR), clock(FIRST - DAY))


def test_a_match_that_is_moved_after_its_kick_off_keeps_what_was_said(tmp_path: Path) -> None:
    """Else a kick-off that a source gives wrongly would unlock a forecast."""
    record = ForecastRecord(str(tmp_path))
    match = scheduled("ARS-LIV")
    record.add(batch([match], FIRST - DAY), clock(FIRST - DAY))
    later = replace(match, kickoff=FIRST + 30 * DAY)
    moved = record.add(batch([later, scheduled("LIV-ARS", 6)], FIRST + DAY, home_win=0.1), clock(FIRST + DAY))
    assert moved.locked == ("2627-ARS-LIV",) and moved.sha256
    said = by_match(record.read())
    assert said["1/2627-ARS-LIV"].forecast == batch([match], FIRST).forecasts[0]
    assert said["1/2627-LIV-ARS"].forecast.probabilities[0] == 0.1
    assert record.check() == []


def test_a_match_that_is_moved_before_its_kick_off_is_forecast_anew(tmp_path: Path) -> None:
    record = ForecastRecord(str(tmp_path))
    match = scheduled("ARS-LIV")
    record.add(batch([match], FIRST - 2 * DAY), clock(FIRST - 2 * DAY))
    later = replace(match, kickoff=FIRST + 30 * DAY, gameweek=5)
    assert record.add(batch([later], FIRST - DAY), clock(FIRST - DAY)).sha256
    assert [row.forecast.match for row in record.read()] == [later]


def test_versions_have_forecasts_of_their_own(tmp_path: Path) -> None:
    record = ForecastRecord(str(tmp_path))
    for version in ("1", "2"):
        record.add(batch(MATCHES[:2], FIRST - DAY, version=version), clock(FIRST - DAY))
    assert len(by_match(record.read())) == 4


@pytest.mark.parametrize("harm", ["a number", "the batch", "the name"])
def test_a_record_that_was_changed_is_found_out(tmp_path: Path, harm: str) -> None:
    record = ForecastRecord(str(tmp_path))
    recorded = record.add(batch(MATCHES[:2], FIRST - DAY), clock(FIRST - DAY))
    assert record.check() == []
    file = tmp_path / "forecast_batches" / f"{recorded.sha256}.json"
    if harm == "a number":
        rows = Lake(str(tmp_path)).read(Forecasts)
        rows.loc[0, ["home_win", "away_win"]] = [0.4, 0.3]
        Lake(str(tmp_path)).write(Forecasts, rows)
    elif harm == "the batch":
        file.write_bytes(file.read_bytes().replace(b"0.500000", b"0.900000"))
    else:
        file.unlink()
    wrong = record.check()
    assert len(wrong) == (1 if harm == "a number" else 2)
    assert wrong[0].startswith("the forecast of 2627-ARS-CHE by match-outcome version 1 is not what batch")


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    record = ForecastRecord(str(tmp_path))
    record.add(batch(MATCHES[:2], FIRST - DAY), clock(FIRST - DAY))
    for part in (tmp_path / "forecasts").rglob("*.parquet"):
        part.write_bytes(b"nothing")
    with pytest.raises(LakeError, match="is not what was written"):
        record.read()


probabilities = some.integers(1, 800_000).map(lambda home: (home / 1e6, round(0.9 - home / 1e6, 6), 0.1))
forecasts_of_matches = some.lists(
    some.builds(OutcomeForecast, some.sampled_from(MATCHES), probabilities),
    min_size=1,
    unique_by=lambda one: one.match.match_id,
)
batches = some.builds(
    ForecastBatch,
    some.just("match-outcome"),
    some.sampled_from(("1", "2")),
    some.just("b" * 64),
    some.integers(0, 10**6).map(lambda seconds: FIRST - timedelta(seconds=seconds, microseconds=seconds)),
    forecasts_of_matches.map(tuple),
)


@given(made=batches, order=some.randoms())
def test_a_hash_is_of_what_is_said_whatever_the_order(made: ForecastBatch, order) -> None:
    mixed = list(made.forecasts)
    order.shuffle(mixed)
    assert replace(made, forecasts=tuple(mixed)).sha256 == made.sha256
    again = ForecastBatch.parse(made.content)
    assert again.content == made.content
    assert set(again.forecasts) == set(made.forecasts) and again.made_at == made.made_at
    assert json.dumps(json.loads(made.content), sort_keys=True, separators=(",", ":")).encode() == made.content


@given(
    made=batches,
    place=some.integers(0, 11),
    micro=some.integers(1, 5),
    field=some.sampled_from(("number", "made_at", "version", "kickoff")),
)
def test_a_hash_changes_with_anything_that_is_said(made: ForecastBatch, place: int, micro: int, field: str) -> None:
    one = made.forecasts[place % len(made.forecasts)]
    home, draw, away = one.probabilities
    changed: dict[str, ForecastBatch] = {
        "number": swap(made, one, replace(one, probabilities=(round(home + micro / 1e6, 6), draw, away))),
        "made_at": replace(made, made_at=made.made_at + timedelta(microseconds=micro)),
        "version": replace(made, version="3"),
        "kickoff": swap(made, one, replace(one, match=later(one.match, micro))),
    }
    assert changed[field].sha256 != made.sha256


def swap(made: ForecastBatch, one: OutcomeForecast, other: OutcomeForecast) -> ForecastBatch:
    return replace(made, forecasts=tuple(other if each == one else each for each in made.forecasts))


def later(match: ScheduledMatch, micro: int) -> ScheduledMatch:
    return replace(match, kickoff=match.kickoff + timedelta(microseconds=micro))


runs = some.lists(
    some.tuples(some.integers(-3, 45), some.sampled_from(("1", "2")), forecasts_of_matches), min_size=1, max_size=4
)
"""Runs at days after the first gameweek's day; each forecasts those of its matches that are to come."""


@settings(max_examples=15)
@given(runs=runs)
def test_whatever_runs_come_a_kick_off_locks_and_the_same_run_twice_is_one(runs) -> None:
    with new_record() as (record, _):
        locked: dict[str, RecordedForecast] = {}
        for day, version, forecasts in sorted(runs, key=lambda run: run[0]):
            now = FIRST + day * DAY
            coming = tuple(one for one in forecasts if one.match.kickoff > now)
            if not coming:
                continue
            made = ForecastBatch("match-outcome", version, "b" * 64, now, coming)
            recorded = record.add(made, clock(now))
            after = record.read()
            assert record.add(replace(made, made_at=now), clock(now)).sha256 is None
            assert record.read() == after, "the same again"
            rows = by_match(after)
            assert {name: rows[name] for name in locked} == locked, "nothing replaces what is locked"
            locked = {name: row for name, row in rows.items() if row.is_locked(now)}
            assert all(rows[f"{version}/{one.match.match_id}"].forecast == one for one in coming)
            assert all(row.made_at < row.forecast.match.kickoff for row in after)
            assert recorded.sha256 is None or recorded.sha256 in {row.batch for row in after}
        assert record.check() == []
