"""Objects in a folder: written whole, replaced under a condition, listed and deleted."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from matchday.storage import PreconditionFailed, Storage
from tests.matchday.storage.contract import check_one_of_two_writers_succeeds


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(f"file://{tmp_path}")


class Killed(BaseException):
    """The process ends here."""


def test_an_object_is_replaced_whole_or_left_alone(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write("a", b"former")

    def dies(_: int) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dies)
        with pytest.raises(Killed):
            storage.write("a", b"later")
    assert storage.read("a") == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_of_two_writers_with_one_tag_one_succeeds(storage: Storage) -> None:
    tag = check_one_of_two_writers_succeeds(storage, "other")
    storage.delete(["a"])
    with pytest.raises(PreconditionFailed):
        storage.replace_if("a", b"4", tag)


def test_a_counter_that_many_add_to_loses_nothing(storage: Storage) -> None:
    def add() -> None:
        for _ in range(10):
            while True:
                content, tag = storage.read_tagged("counter")
                try:
                    storage.replace_if("counter", str(int(content) + 1).encode(), tag)
                except PreconditionFailed:
                    continue
                break

    storage.write("counter", b"0")
    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.read("counter") == b"40"


def test_objects_are_listed_with_their_times_and_deleted_with_the_folders_they_leave_empty(
    storage: Storage, tmp_path: Path
) -> None:
    for path in ("a/b/1", "a/b/2", "a/c/3"):
        storage.write(path, b"x")
    found = storage.files("a")
    assert set(found) == {"a/b/1", "a/b/2", "a/c/3"}
    assert all(abs(written - datetime.now(UTC)) < timedelta(hours=1) for written in found.values())
    assert set(storage.files("a/b")) == {"a/b/1", "a/b/2"} and storage.files("none") == {}
    storage.delete(["a/b/1", "a/b/none", "a/c/3"])
    assert sorted(path.name for path in (tmp_path / "a").rglob("*")) == ["2", "b"]
    storage.delete(["a/b/2"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        storage.read("a/b/2")
