"""Processor time and pinning, on processes that burn a core."""

import os
import subprocess
import sys

import pytest

from benchmarks.serving.processor import cpu_seconds, pinned

BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


@pytest.fixture
def parent():
    """A process whose child burns 0.3 s of processor time and is then waited for."""
    code = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); print('done', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        yield it
        it.stdin.close()


def test_time_of_children_counts_also_when_they_have_ended(parent):
    assert parent.stdout.readline() == "done\n"
    assert cpu_seconds(parent.pid) >= 0.3


def test_a_process_that_ended_has_spent_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert cpu_seconds(ended.pid) == 0


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_server_and_generator_are_held_to_a_core_each_and_let_go(parent):
    parent.stdout.readline()
    before = os.sched_getaffinity(0)
    with pinned(parent.pid) as possible:
        assert possible
        server, generator = os.sched_getaffinity(parent.pid), os.sched_getaffinity(0)
        assert len(server) == len(generator) == 1
        assert server != generator
        child = subprocess.run(
            [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert child.stdout.strip() == str(generator)
    assert os.sched_getaffinity(0) == os.sched_getaffinity(parent.pid) == before
