"""CI's scripts with programs in place of make and of the cluster: what they say, what they leave out, how they end."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from matchday.settings import REPOSITORY

SUMMARY = "612 passed in 106.81s (0:01:46)"
MAKE = """#!/bin/sh
echo "make $*, until $MATCHDAY_CI_ENDS" >> "$CALLS"
case "$*" in
  *TESTS=*) ;;
  test) echo "$SUITE"; exit "$SUITE_STATUS" ;;
  cluster-test) exit "$STAGES_STATUS" ;;
esac
"""


@dataclass(frozen=True)
class Checkout:
    """A folder with CI's scripts, and a cluster beside it whose programs only note that they were called."""

    root: Path

    def run(self, script: str, minutes: float = 80, **given: str) -> subprocess.CompletedProcess[str]:
        """Run a script with that much of the budget left."""
        environ = {
            **os.environ,
            "CALLS": str(self.root / "calls"),
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "SUITE": SUMMARY,
            "SUITE_STATUS": "0",
            "STAGES_STATUS": "0",
            "MATCHDAY_CI_ENDS": str(int(time.time() + minutes * 60)),
            **given,
        }
        command = [str(self.root / "project" / ".ci" / script)]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)

    def calls(self) -> list[str]:
        """What was called, in order."""
        file = self.root / "calls"
        return [line.partition(",")[0] for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    shutil.copytree(REPOSITORY / ".ci", tmp_path / "project" / ".ci")
    programs = {name: f'#!/bin/sh\necho {name} >> "$CALLS"\n' for name in ("up", "down", "kfp/up")}
    written = {f"shared/cluster/{name}": text for name, text in programs.items()}
    written |= {"shared/cluster/env.sh": "", "bin/make": MAKE, "bin/kubectl": "#!/bin/sh\nexit 1\n"}
    written |= {f"bin/{name}": "#!/bin/sh\n" for name in ("apt-get", "sudo", "id")}
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return Checkout(tmp_path)


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a cluster")


@root
def test_with_time_the_cluster_is_started_played_on_and_stopped(checkout: Checkout) -> None:
    done = checkout.run("cluster")
    assert done.returncode == 0, done.stdout
    tests = "make test TESTS=tests/images tests/cluster/images"
    assert checkout.calls() == ["up", "kfp/up", "make cluster-test", tests, "down"]
    assert "skipped" not in done.stdout


@root
def test_without_time_nothing_is_started(checkout: Checkout) -> None:
    done = checkout.run("cluster", minutes=12)
    assert (done.returncode, checkout.calls()) == (0, [])
    assert done.stdout.startswith("ci: skipped: the cluster test, ")
    assert done.stdout.endswith(" minutes left\n")


@root
def test_the_stages_end_early_enough_for_the_tests_of_the_images(checkout: Checkout) -> None:
    ends = int(time.time()) + 3600
    assert checkout.run("cluster", MATCHDAY_CI_ENDS=str(ends)).returncode == 0
    [stages] = [line for line in (checkout.root / "calls").read_text().splitlines() if "cluster-test" in line]
    assert int(stages.rpartition(" ")[2]) == ends - 180


@root
def test_a_cluster_that_does_not_start_is_no_failure_and_a_stage_that_fails_is_one(checkout: Checkout) -> None:
    assert checkout.run("cluster", STAGES_STATUS="1").returncode == 1
    up = checkout.root / "shared" / "cluster" / "up"
    up.write_text("#!/bin/sh\necho no network\nexit 1\n")
    done = checkout.run("cluster", STAGES_STATUS="1")
    assert done.returncode == 0
    assert "no network\nci: the cluster test did NOT run" in done.stdout


@root
@pytest.mark.parametrize(
    ("suite", "suite_status", "stages_status", "status"),
    [(SUMMARY, "0", "0", 0), ("1 failed, 611 passed in 99.00s", "1", "0", 1), (SUMMARY, "0", "1", 1)],
)
def test_the_last_line_is_pytests_summary_whatever_fails(
    checkout: Checkout, suite: str, suite_status: str, stages_status: str, status: int
) -> None:
    done = checkout.run("run", SUITE=suite, SUITE_STATUS=suite_status, STAGES_STATUS=stages_status)
    assert done.returncode == status, done.stderr
    assert done.stdout.splitlines()[-1] == suite
    assert ("make cluster-test" in checkout.calls()) == (suite_status == "0")


@root
def test_a_suite_that_ends_without_a_summary_fails(checkout: Checkout) -> None:
    assert checkout.run("run", SUITE="error: no such folder", SUITE_STATUS="4").returncode == 4
