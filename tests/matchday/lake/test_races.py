"""Writers of one table at the same time, and writers that are killed: nothing that was acknowledged is lost."""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from matchday.lake import Lake, LakeError, garbage
from matchday.lake.pointer import Pointer
from matchday.storage import PreconditionFailed, Storage
from tests.matchday.lake.rows import Goals, acknowledged, append_many, files, goals

WRITERS, ROWS, KILLS = 4, 9, 5

process = multiprocessing.get_context("fork").Process


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def rows_of(lake: Lake) -> set[tuple[str, int]]:
    return set(lake.read(Goals)[["season", "x"]].itertuples(index=False, name=None))


def parquet(lake: Lake) -> set[str]:
    return {path for path in files(Path(lake.storage.url)) if path.endswith(".parquet")}


def needed(lake: Lake) -> set[str]:
    """Files of the current version and of the kept former ones."""
    version = Pointer(lake.storage, "goals").read()
    assert version is not None
    return version.paths()


def test_writers_that_race_and_are_killed_lose_no_row_and_readers_see_whole_versions(
    lake: Lake, tmp_path: Path
) -> None:
    """Each writer appends rows one by one; killed ones are followed by others, and a reader reads all the time."""
    notes, chance = tmp_path / "notes", random.Random(11)
    lake.write(Goals, goals(0))

    def start(writer: int) -> multiprocessing.context.ForkProcess:
        begun = process(target=append_many, args=(lake.storage.url, str(notes), writer, 0, ROWS))
        begun.start()
        return begun

    running, killed, seen = [start(writer) for writer in range(1, WRITERS + 1)], 0, rows_of(lake)
    while any(writer.is_alive() for writer in running):
        promised = acknowledged(notes)
        found = rows_of(lake)
        assert found >= promised and found >= seen
        seen = found
        if killed < KILLS and len(promised) > 2 * killed:
            at = chance.randrange(WRITERS)
            running[at].kill()
            running[at].join()
            killed += 1
            running[at] = start(WRITERS + killed)
    assert killed == KILLS
    assert all(writer.exitcode == 0 for writer in running)
    found = rows_of(lake)
    assert found >= acknowledged(notes) and len(acknowledged(notes)) >= WRITERS * ROWS
    fresh = Lake(str(tmp_path / "fresh"))
    assert fresh.write(Goals, lake.read(Goals).sort_values(["season", "x"])) == lake.fingerprint(Goals)
    lake.append(Goals, goals(999_999))
    assert parquet(lake) == needed(lake)


def test_of_two_whole_writes_one_is_the_content_and_both_are_versions(lake: Lake, tmp_path: Path) -> None:
    """The second writer stands still between its parts and the pointer while the first one writes."""
    lake.write(Goals, goals(0))
    other, replace, stopped = Lake(lake.storage.url), Storage.replace_if, []

    def stands_still(self: Storage, path: str, content: bytes, tag: str | None) -> None:
        if path.endswith("current.json") and not stopped:
            stopped.append(path)
            other.append(Goals, goals(1))
        replace(self, path, content, tag)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Storage, "replace_if", stands_still)
        lake.append(Goals, goals(2))
    assert stopped and rows_of(lake) == {("2526", x) for x in (0, 1, 2)}
    assert "/v3/" in lake.parts(Goals)[0]


def forked(work: Callable[[], object]) -> int:
    """Exit status of a child that does the work; negative: the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must not go on as pytest
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at(event_number: int, root: Path) -> None:
    """Kill this process when it is about to touch the file system below a root for the n-th time."""
    left = [event_number]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        touches = event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir") and str(root) in str(arguments[0])
        if touches or event == "fcntl.flock":
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


NEW = pd.concat([goals(5, season="2425"), goals(6, season="2324")])


@pytest.mark.parametrize("way", ["write", "append"])
def test_a_writer_killed_at_any_touch_of_the_file_system_leaves_a_whole_version(
    lake: Lake, tmp_path: Path, way: str
) -> None:
    """Five versions are there, so that the killed write also deletes."""
    for x in range(5):
        lake.write(Goals, pd.concat([goals(x), goals(x, season="2425")]))
    before = rows_of(lake)
    after = {("2425", 5), ("2324", 6)} | (before if way == "append" else set())
    states = []
    for touch in range(200):
        here = Lake(str(tmp_path / f"{way}{touch}"))
        os.system(f"cp -r {tmp_path / 'lake'} {here.storage.url}")

        def work(here: Lake = here, touch: int = touch) -> None:
            kill_at(touch, Path(here.storage.url))
            getattr(here, way)(Goals, NEW)

        status = forked(work)
        assert status in (0, -signal.SIGKILL)
        states.append(rows_of(here))
        assert states[-1] in (before, after)
        getattr(here, way)(Goals, NEW)
        assert rows_of(here) == after
        here.append(Goals, goals(7))
        assert parquet(here) == needed(here)
        if status == 0:
            break
    else:
        pytest.fail("the write was killed 200 times and did not come to its end")
    assert before in states and after in states[:-1], "killed before and after the pointer was replaced"
    assert touch > 20


def test_a_paused_writer_whose_parts_are_deleted_meanwhile_starts_again(lake: Lake) -> None:
    """Garbage is deleted without regard to age: safe because the paused writer finds the pointer changed."""
    lake.write(Goals, goals(0))
    other, put, paused = Lake(lake.storage.url), Storage.replace_if, []

    def pause(self: Storage, path: str, content: bytes, tag: str | None) -> None:
        if path.endswith("current.json") and not paused:
            paused.append(set(files(Path(lake.storage.url))))
            other.write(Goals, goals(1))
            assert len(files(Path(lake.storage.url)) - paused[0]) == 1 and len(paused[0]) == 2
            assert not paused[0] <= files(Path(lake.storage.url)), "the part of the paused writer is deleted"
        put(self, path, content, tag)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Storage, "replace_if", pause)
        lake.append(Goals, goals(2))
    assert rows_of(lake) == {("2526", 1), ("2526", 2)} and lake.intact(Goals)


def test_a_late_deletion_of_garbage_spares_a_version_whose_pointer_is_still_to_be_written(lake: Lake) -> None:
    """The writer of version 2 deletes garbage while version 3 has its part in place and is not yet current."""
    lake.write(Goals, goals(0))
    lake.write(Goals, goals(1))
    version, put, swept = Pointer(lake.storage, "goals").read(), Storage.replace_if, []
    assert version is not None and version.number == 2

    def sweep_first(self: Storage, path: str, content: bytes, tag: str | None) -> None:
        if path.endswith("current.json"):
            before = parquet(lake)
            garbage.sweep(lake.storage, "goals", version)
            swept.append(before - parquet(lake))
        put(self, path, content, tag)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Storage, "replace_if", sweep_first)
        lake.append(Goals, goals(2, season="2425"))
    assert swept == [set()], "the part of version 3 is there, and nothing of it is deleted"
    assert rows_of(lake) == {("2526", 1), ("2425", 2)} and lake.intact(Goals)


def test_a_writer_gives_up_with_a_sentence_when_the_store_keeps_losing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.write(Goals, goals(0))

    def loses(*_: object) -> None:
        raise PreconditionFailed("another was first")

    monkeypatch.setattr(Storage, "replace_if", loses)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    other = Lake(lake.storage.url)
    with pytest.raises(LakeError, match="other processes keep writing table goals; try again later"):
        other.write(Goals, goals(1))
