"""Files of lines that many processes append to."""

import subprocess
import sys
from pathlib import Path

import pytest

from matchday.telemetry.files import LineFile


def test_many_processes_append_whole_lines(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from matchday.telemetry.files import LineFile
file = LineFile(Path({str(tmp_path)!r}) / "all.jsonl")
for n in range(200):
    assert file.write(sys.argv[1] * 5000)
"""
    running = [subprocess.Popen([sys.executable, "-c", code, letter]) for letter in "abc"]
    assert [process.wait(30) for process in running] == [0, 0, 0]
    written = (tmp_path / "all.jsonl").read_text().splitlines()
    assert sorted(written) == [letter * 5000 for letter in "abc" for _ in range(200)]


def test_a_full_file_steps_aside_once_for_all_its_writers(tmp_path: Path) -> None:
    one, other = (LineFile(tmp_path / "t.jsonl", max_bytes=10) for _ in range(2))
    assert one.write("0123456789")
    assert other.write("from the other")
    assert one.write("from the one")
    assert (tmp_path / "t.jsonl.1").read_text() == "0123456789\n"
    assert (tmp_path / "t.jsonl").read_text() == "from the other\nfrom the one\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.jsonl", "t.jsonl.1"]


def test_a_home_deleted_under_a_running_process_comes_back(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "telemetry" / "t.jsonl")
    (tmp_path / "telemetry" / "t.jsonl").unlink()
    (tmp_path / "telemetry").rmdir()
    assert file.write("again")
    assert (tmp_path / "telemetry" / "t.jsonl").read_text() == "again\n"


def test_a_disk_that_fills_up_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = LineFile(Path("/dev/full"))
    assert [file.write("lost"), file.write("lost")] == [False, False]
    assert capsys.readouterr().err == "telemetry is off: /dev/full: No space left on device\n"
