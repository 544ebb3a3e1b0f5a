"""Files are replaced whole or not at all, and locks hold between processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matchday import files
from matchday.errors import MatchdayError
from matchday.files import LockTimeout, lock_file, replace_file, write_file


class Killed(BaseException):
    """The process ends here."""


def die(*_: object) -> None:
    raise Killed


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_file_is_written_with_its_folder_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    for content in (b"first", b"", b"third" * 10_000):
        write_file(path, content)
        assert path.read_bytes() == content
        assert names(path.parent) == ["file"]


def replace_with(path: Path, content: bytes) -> None:
    with replace_file(path) as draft:
        draft.write_bytes(content)


WRITERS: list[Callable[[Path, bytes], None]] = [write_file, replace_with]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_write_that_dies_leaves_the_former_content(
    tmp_path: Path, write: Callable[[Path, bytes], None], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write(path, b"former")
    before = names(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, step, die)
        with pytest.raises(Killed):
            write(path, b"new")
    assert path.read_bytes() == b"former"
    assert names(tmp_path) == before


@pytest.mark.parametrize("write", WRITERS)
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(
    tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    path = tmp_path / "file"
    contents = {bytes([letter]) * 200_000 for letter in (97, 98)}
    write(path, min(contents))
    code = (
        "import sys; from pathlib import Path; from tests.matchday.test_files import write_file, replace_with\n"
        "print('ready', flush=True)\n"
        f"while True:\n for letter in (97, 98): {write.__name__}(Path(sys.argv[1]), bytes([letter]) * 200_000)"
    )
    for tenth in range(8):
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
            time.sleep(0.003 * tenth)
            writer.send_signal(signal.SIGKILL)
        assert path.read_bytes() in contents
    write(path, b"next")
    assert path.read_bytes() == b"next"


@pytest.mark.parametrize("write", WRITERS)
def test_the_mode_of_a_file_is_kept_and_a_new_file_gets_the_usual_one(
    tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    path, usual = tmp_path / "file", tmp_path / "usual"
    usual.touch()
    write(path, b"")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o604)
    write(path, b"x")
    assert path.stat().st_mode & 0o777 == 0o604


def test_drafts_of_killed_writers_are_deleted_once_they_are_old(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old, fresh, other = (tmp_path / name for name in (".file.1.draft", ".file.2.draft", ".file2.1.draft"))
    for draft in (old, fresh, other):
        draft.touch()
    for draft in (old, other):
        os.utime(draft, (0, time.time() - files.ABANDONED_SECONDS - 1))
    write_file(path, b"x")
    assert names(tmp_path) == [".file.2.draft", ".file2.1.draft", "file"]


def test_what_a_killed_writer_left_is_deleted_by_the_next_and_never_read(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    for left in (".online.db.new", ".online.db.new-journal", ".online.db.new-wal"):
        (tmp_path / left).write_text("half")
    with replace_file(path) as draft:
        assert not draft.exists()
        draft.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(tmp_path) == [".online.db.lock", "online.db"]


def test_a_block_that_writes_no_draft_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, b"former")
    with replace_file(path):
        pass
    assert path.read_bytes() == b"former"


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(20):
            with lock_file(path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.0005)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_lock_held_elsewhere_is_refused_with_a_sentence_and_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from matchday.files import lock_file\n"
        "with lock_file(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        for seconds in (0, 0.1):
            begun = time.monotonic()
            with pytest.raises(LockTimeout, match="is locked by another process") as refused, lock_file(path, seconds):
                pass
            assert time.monotonic() - begun >= seconds
            assert str(path) in str(refused.value) and isinstance(refused.value, (MatchdayError, OSError))
        holder.kill()
    with lock_file(path, 0) as file:
        file.write("mine")
    assert path.read_text() == "mine"
