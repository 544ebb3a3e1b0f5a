"""Background processes: found again by their record, told from strangers, ended."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from rollout.embedded import launch
from rollout.embedded.process import BackgroundProcess
from rollout.splitter import SplitError
from tests.waiting import eventually

SECONDS = 60.0
"""Longest wait for a process on a busy machine."""

GREET = "print('hello', flush=True); import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


wait_for = partial(eventually, seconds=SECONDS)


def process(folder: Path, name: str = "one") -> BackgroundProcess:
    return BackgroundProcess(folder / f"{name}.json", folder / f"{name}.log")


def test_a_process_is_found_again_by_its_record(tmp_path: Path) -> None:
    ours = process(tmp_path)
    ours.start([sys.executable, "-c", GREET], os.environ)
    again = process(tmp_path)
    assert again.pid == ours.pid is not None
    wait_for(lambda: again.last_line() == "hello")
    again.end(SECONDS)
    assert again.pid is None and not again.was_started and ours.pid is None


def test_lines_are_counted_since_the_last_start(tmp_path: Path) -> None:
    once = "import time; print('it ended', flush=True); time.sleep(600)"
    ours = process(tmp_path)
    assert ours.count_lines("ended") == 0
    for _ in range(2):
        ours.start([sys.executable, "-c", once], os.environ)
        wait_for(lambda: process(tmp_path).count_lines("ended") == 1)
        assert ours.count_lines("ended") == 1 and ours.count_lines("began") == 0
        with ours.log.open("a") as log:
            log.write("it ended\nit ended aga")
        assert ours.count_lines("ended") == process(tmp_path).count_lines("ended") == 2
        with ours.log.open("a") as log:
            log.write("in\n")
        assert ours.count_lines("ended") == process(tmp_path).count_lines("ended") == 3
        ours.end(SECONDS)
        assert ours.count_lines("ended") == 0


def test_a_record_without_the_offset_of_its_log_counts_the_whole_log(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"pid": 1, "born": "x", "boot": "y"}))
    (tmp_path / "one.log").write_text("it ended\n")
    assert process(tmp_path).count_lines("ended") == 1


def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        record = {"pid": stranger.pid, "born": "another boot 1", "boot": launch.boot_id()}
        (tmp_path / "one.json").write_text(json.dumps(record))
        mistaken = process(tmp_path)
        assert mistaken.pid is None and mistaken.was_started
        mistaken.end(1)
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    stubborn = process(tmp_path)
    stubborn.start([sys.executable, "-c", STUBBORN], os.environ)
    wait_for(lambda: stubborn.last_line() == "up")
    stubborn.end(0.2)
    assert stubborn.pid is None


def test_a_missing_command_is_named_in_the_log(tmp_path: Path) -> None:
    missing = process(tmp_path)
    missing.start([str(tmp_path / "nothing")], os.environ)
    wait_for(lambda: missing.pid is None)
    assert "No such file" in missing.last_line()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": "x", "born": "", "boot": ""}'])
def test_a_file_that_is_no_record_is_refused_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "one.json").write_text(content)
    with pytest.raises(SplitError, match=r"one\.json is no PID record: end the process that it belongs to by hand"):
        _ = process(tmp_path).pid
