"""Rows that the stream appended: none is lost, each is read once, while others write, merge and read."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from feature_repo import streamed
from feature_repo.streamed import StreamedRows
from matchday.features.team import Row
from matchday.storage import Storage, StorageError
from matchday.tables import TeamForm, TeamRatings, columns
from tests.feature_repo.stream import small
from tests.feature_repo.stream.small import SEASON

START = datetime(2025, 6, 1, tzinfo=UTC)


def rows(view: str = "team_form", count: int = 6) -> list[Row]:
    """Rows of the batch path."""
    return [{str(name): value for name, value in row.items()} for row in small.batch_of(count)[view].to_dict("records")]


def other(row: Row, **changed: object) -> Row:
    return {**row, **changed}


def files(lake: Path) -> list[str]:
    return sorted(str(path.relative_to(lake)) for path in lake.rglob("*.parquet"))


def test_what_was_appended_is_read_back_bit_by_bit(tmp_path: Path) -> None:
    made = StreamedRows(str(tmp_path))
    made.append(TeamForm, rows(), START, 3)
    made.append(TeamRatings, rows("team_ratings"), START, 3)
    assert made.waiting == len(rows()) + len(rows("team_ratings"))
    assert files(tmp_path) == []
    made.flush()
    made.flush()
    assert made.waiting == 0
    assert [name.rpartition("/")[0] for name in files(tmp_path)] == [
        f"streamed/team_form/season={SEASON}",
        f"streamed/team_ratings/season={SEASON}",
    ]
    for table, view in ((TeamForm, "team_form"), (TeamRatings, "team_ratings")):
        read = StreamedRows(str(tmp_path)).newest(table, [SEASON])
        pd.testing.assert_frame_equal(read, small.batch_of(6)[view][columns(table)], check_dtype=False)
        assert StreamedRows(str(tmp_path)).newest(table, ["1718"]).empty
    assert set(made.read(TeamForm)["revision"]) == {3}
    assert set(made.read(TeamForm)["created"]) == {pd.Timestamp(START)}


def test_the_highest_revision_is_the_newest_whenever_it_was_written(tmp_path: Path) -> None:
    row, made = rows()[-1], StreamedRows(str(tmp_path))
    made.append(TeamForm, [other(row, goals_for_5=2.0)], START + timedelta(days=1), 8)
    made.append(TeamForm, [other(row, goals_for_5=1.0)], START + timedelta(days=2), 7)
    made.append(TeamForm, [other(row, goals_for_5=3.0)], START, 8)
    made.flush()
    assert list(made.newest(TeamForm)["goals_for_5"]) == [2.0]
    assert list(made.read(TeamForm)["goals_for_5"]) == [3.0, 2.0, 1.0]


def test_a_row_that_says_the_same_again_is_read_once(tmp_path: Path) -> None:
    made = StreamedRows(str(tmp_path))
    for number in range(3):
        made.append(TeamForm, rows(), START + timedelta(seconds=number), number)
        made.flush()
    assert len(made.read(TeamForm)) == len(rows())
    assert set(made.read(TeamForm)["created"]) == {pd.Timestamp(START)}
    unknown = [other(row, xg_for_5=float("nan")) for row in rows()]
    for number in range(3, 5):
        made.append(TeamForm, unknown, START + timedelta(seconds=number), number)
        made.flush()
    assert len(made.read(TeamForm)) == 2 * len(rows())


def test_a_flush_that_fails_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = StreamedRows(str(tmp_path))
    made.append(TeamForm, rows(), START, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", lambda *_: (_ for _ in ()).throw(StorageError("the disk is full")))
        with pytest.raises(StorageError, match="full"):
            made.flush()
    assert made.waiting == len(rows())
    made.flush()
    assert len(made.read(TeamForm)) == len(rows())


def test_two_writers_merge_while_others_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reader sees all rows that were flushed before it began; in the end each is there once."""
    monkeypatch.setattr(streamed, "MOST_FILES", 4)
    base, lake, flushes = rows()[0], str(tmp_path), 25
    flushed: list[set[int]] = [set(), set()]
    failures: list[BaseException] = []
    done = threading.Event()

    def write(writer: int) -> None:
        made = StreamedRows(lake)
        for number in range(flushes):
            mark = writer * flushes + number
            made.append(TeamForm, [other(base, event_time=START + timedelta(hours=mark))], START, mark)
            made.flush()
            flushed[writer].add(mark)

    def read() -> None:
        while not done.is_set():
            wanted = flushed[0] | flushed[1]
            found = list(StreamedRows(lake).read(TeamForm, [SEASON])["revision"])
            assert wanted <= set(found)
            assert len(found) == len(set(found))

    def guarded(work: object, *arguments: object) -> None:
        try:
            work(*arguments)  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001  told by the test itself
            failures.append(error)

    writers = [threading.Thread(target=guarded, args=(write, number)) for number in range(2)]
    readers = [threading.Thread(target=guarded, args=(read,)) for _ in range(2)]
    for thread in [*writers, *readers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert not failures
    assert list(StreamedRows(lake).read(TeamForm)["revision"]) == list(range(2 * flushes))
    assert len(files(tmp_path)) <= 2 * 4
