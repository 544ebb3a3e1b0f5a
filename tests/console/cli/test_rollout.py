"""`matchday rollout`: started in one shell, given orders from another, explained in a third."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pandas as pd
import pytest
import yaml

from console.cli import rollout as commands
from console.demo.load import LoadGenerator
from console.operations import rollout_running, rollouts
from console.operations.forecasts import MatchQuestion
from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.registry import Registry
from matchday.settings import Settings
from matchday.tables import Matches
from rollout.embedded.settings import RolloutSettings
from rollout.spec import SpecError
from rollout.state import Phase, State
from tests.console.conftest import Printed, RunCommand
from tests.league import some
from tests.rollout import candidates
from tests.rollout.conftest import GIVEN, MATCHES
from tests.services.processes import end, free_port
from tests.serving.conftest import KICKOFF, Online, online  # noqa: F401, a fixture

MATCHDAY = str(Path(sys.executable).with_name("matchday"))
SEASON = "2526"
THREADS = 3
"""Enough requests for the judge, with processor time left for the processes that are waited for."""
PATIENCE_SECONDS = 200.0
"""The most that is waited for anything; waiting ends with the condition."""
SPEC = {
    **{key: value for key, value in GIVEN.items() if key != "inferenceService"},
    "promotion": "Manual",
    "bakeSeconds": 3600,
    "limits": GIVEN["limits"]
    | {"minPairs": 5, "invalid": 0.5, "spread": 9, "distance": 0.3, "shift": 0.3, "favourites": 0.5},
}


@pytest.fixture(scope="module")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three versions, of which the first is champion, and the teams of a season."""
    home = tmp_path_factory.mktemp("rollouts") / "home"
    settings = Settings(home=home)
    registry = Registry(settings.tracking_uri)
    makers: tuple[Callable[[Path, str], None], ...] = (candidates.good, candidates.good, candidates.misses_features)
    for version, make in enumerate(makers, start=1):
        make(home, str(version))
        folder = home / "bundles" / str(version)
        assert registry.log_run("tried", {"made": version}, {}, {}, folder, "match-outcome").version == str(version)
    registry.promote("match-outcome", "1")
    Lake(settings.lake).write(Matches, few_teams())
    return home


def few_teams() -> pd.DataFrame:
    """Matches of teams that the online store of the tests knows."""
    rows = some(Matches, [SEASON])
    teams = {team for match in MATCHES for team in match}
    return rows[rows["home"].isin(teams) & rows["away"].isin(teams)].reset_index(drop=True)


@pytest.fixture
def rollout_settings(prepared_home: Path, online: Online, monkeypatch: pytest.MonkeyPatch) -> Iterator[RolloutSettings]:  # noqa: F811
    """Settings of a service that is ended afterwards."""
    monkeypatch.setenv("MATCHDAY_HOME", str(prepared_home))
    monkeypatch.setenv("MATCHDAY_SERVING_ONLINE_STORE", str(online.path))
    monkeypatch.setenv("MATCHDAY_ROLLOUT_INTERVAL_SECONDS", "0.2")
    yield RolloutSettings(port=free_port())
    place = rollouts.open_workspace()
    for name in place.services():
        place.stop(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A spec as a ModelRollout, as a cluster has it."""
    path = tmp_path / "rollout.yaml"
    path.write_text(yaml.safe_dump({"kind": "ModelRollout", "metadata": {"name": "any"}, "spec": SPEC}))
    return path


def begin(name: str, settings: RolloutSettings, *more: str) -> subprocess.Popen[str]:
    command = [MATCHDAY, "rollout", "start", name, "--port", str(settings.port), *more]
    return subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until(name: str, wanted: Callable[[State], Any], process: subprocess.Popen[str]) -> State:
    """Wait for a state of a rollout that a process carries out."""
    rollouts_here, deadline = rollouts.open_workspace().rollouts, time.monotonic() + PATIENCE_SECONDS
    while name not in rollouts_here.names() or not wanted(rollouts_here.state(name)):
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < deadline, rollouts_here.state(name)
        time.sleep(0.05)
    return rollouts_here.state(name)


def start(name: str, candidate: str, file: Path | None, settings: RolloutSettings) -> None:
    """Start a rollout in this process."""
    rollout_running.start_here(
        name, rollouts.read_spec(candidate, file), settings, lambda _: None, lambda _: None, Event()
    )


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.timeout(900)
def test_a_rollout_from_one_shell_and_another(rollout_settings: RolloutSettings, file: Path, printed: Printed) -> None:
    questions = [MatchQuestion(home, away, KICKOFF) for home, away in MATCHES]
    process = begin("good", rollout_settings, "--candidate", "2", "--spec", str(file))
    try:
        wait_until("good", lambda state: state.phase is Phase.STARTING, process)
        with pytest.raises(MatchdayError, match=r"rollout good of service match-outcome is|in the hands of"):
            start("other", "3", file, rollout_settings)
        with LoadGenerator("127.0.0.1", rollout_settings.port, questions, THREADS).running() as load:
            wait_until("good", lambda state: state.phase is Phase.PROGRESSING, process)
            rollouts.pause("good", None, paused=True)
            wait_until("good", lambda state: state.paused, process)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 3
            assert "rollout good rests Progressing at" in out and "'matchday rollout start good' goes on" in out
            assert "no process is running it now" in printed.by(commands.resume, "good")
            process = begin("good", rollout_settings)
            wait_until("good", lambda state: state.gate, process)
            table = printed.by(commands.explain, "good")
            assert re.search(r"^errors +pass +[\d,]+ +0 +\S+ to \S+ +0\.1$", table, re.MULTILINE)
            status = printed.by(commands.status, "good")
            assert "Progressing at 50 %" in status and "matchday rollout approve good" in status
            assert f"run by     rollout good, process {process.pid}" in status
            rollouts.approve("good", None)
            wait_until("good", lambda state: state.phase is Phase.BAKING and state.needs, process)
            table = printed.by(commands.explain, "good")
            assert re.search(r"^needs about \d\d min more, to the end of the bake$", table, re.MULTILINE)
            with pytest.raises(
                MatchdayError, match=r"is baking: .*'matchday rollout approve good' ends its bake|in the h"
            ):
                start("other", "3", file, rollout_settings)
            rollouts.approve("good", None)
            out, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, out
        assert not load.failures
    finally:
        end(process)
    assert "waits for approval: matchday rollout approve good" in out
    assert "watched for some time: 'matchday rollout approve good' ends that" in out
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  Promoted +version 2 is champion", out, re.MULTILINE)
    decisions = printed.by(commands.history, "good")
    assert [line.split()[2] for line in decisions.splitlines()] == [
        *("Starting", "Shadow", "Progressing", "Progressing", "Promoting", "Baking", "Promoted")
    ]
    assert "a person approved 1/promotion" in decisions
    assert re.search(r"^good +match-outcome +2 +Promoted", printed.by(commands.show_all), re.MULTILINE)
    assert "errors" in printed.by(commands.explain, "good")
    assert Registry(Settings().tracking_uri).aliases("match-outcome")["champion"] == "2"
    undone = run_undo()
    assert undone.returncode == 0, undone.stdout
    assert re.search(r"RolledBack +a person takes the promotion back", undone.stdout)
    assert Registry(Settings().tracking_uri).aliases("match-outcome")["champion"] == "1"
    assert set(rollouts.describe("good", None).service.servers) == {"1"}  # type: ignore[union-attr]
    again = run_undo()
    assert again.returncode == 2
    assert "nothing to undo: no rollout of service match-outcome stands promoted" in again.stdout
    assert "has ended" in printed.by(commands.stop, "match-outcome")


def run_undo() -> subprocess.CompletedProcess[str]:
    command = [MATCHDAY, "rollout", "undo", "match-outcome"]
    return subprocess.run(
        command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.timeout(900)
def test_a_bad_one_ends_with_exit_code_1_and_is_left_alone(
    rollout_settings: RolloutSettings, file: Path, printed: Printed
) -> None:
    questions = [MatchQuestion(home, away, KICKOFF) for home, away in MATCHES]
    process = begin("bad", rollout_settings, "--candidate", "3", "--spec", str(file))
    try:
        wait_until("bad", lambda state: state.phase is Phase.STARTING, process)
        with LoadGenerator("127.0.0.1", rollout_settings.port, questions, THREADS).running():
            out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        end(process)
    assert process.returncode == 1, out
    assert re.search(r"RolledBack +features incomplete: ", out)
    again = begin("again", rollout_settings, "--candidate", "3", "--spec", str(file))
    out, _ = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 2 and "version 3 was rolled back and is not tried again for 24.0 h" in out
    with pytest.raises(MatchdayError, match="rollout bad has ended: it is RolledBack"):
        rollouts.abort("bad", None)
    assert "is tried again" in printed.by(commands.retry, "bad")
    with pytest.raises(MatchdayError, match="waits for no approval"):
        rollouts.approve("bad", None)


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ("1", "version 1 of match-outcome is the champion already"),
        ("9", "match-outcome has no version 9; its latest: 1, 2, 3"),
        ("nobody", "match-outcome has no alias nobody"),
    ],
)
def test_what_cannot_begin_is_refused_and_not_kept(
    rollout_settings: RolloutSettings, candidate: str, said: str
) -> None:
    with pytest.raises(MatchdayError, match=said):
        start(f"never-{candidate}", candidate, None, rollout_settings)
    assert f"never-{candidate}" not in rollouts.open_rollouts(None).names()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("steps: [{weight: 50}, {weight: 5}]", "weights must increase"),
        ("model: nothing-like-it", "no model nothing-like-it"),
        ("weights: [5]", "weights"),
        ("just words", "holds no rollout"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(
    rollout_settings: RolloutSettings, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content)
    with pytest.raises(MatchdayError, match=said) as refused:
        start("never", "2", file, rollout_settings)
    assert "\n" not in str(refused.value)
    with pytest.raises(SpecError, match="cannot be read"):
        rollouts.read_spec("2", tmp_path / "nothing.yaml")


@pytest.mark.parametrize("command", ["status", "approve", "pause", "resume", "abort", "retry", "history", "explain"])
def test_an_unknown_rollout_is_refused_with_exit_code_2(matchday: RunCommand, command: str) -> None:
    refusal = matchday("rollout", command, "nothing").refusal
    assert refusal == "matchday: there is no rollout nothing; there are: none yet\n"


def test_without_rollouts_it_is_said_how_to_start_one(matchday: RunCommand) -> None:
    assert "begin one with 'matchday rollout start NAME --candidate VERSION'" in matchday("rollout", "list").refusal
    assert "nothing serves match-outcome here" in matchday("rollout", "stop").refusal
    assert "nothing to undo: no rollout of service match-outcome stands" in matchday("rollout", "undo").refusal


def test_a_champion_that_was_chosen_by_hand_later_is_not_undone(rollout_settings: RolloutSettings) -> None:
    workspace = rollouts.open_workspace()
    workspace.rollouts.create("earlier", rollouts.read_spec("2", None))
    store = workspace.rollouts.store("earlier")
    store.load()
    store.save(State(phase=Phase.PROMOTED, stable_version="1", candidate_version="2"))
    with pytest.raises(
        MatchdayError, match="nothing to undo: rollout earlier promoted version 2, and the champion is 1"
    ):
        rollout_running.undo_here("match-outcome", rollout_settings, lambda _: None, Event())
    assert workspace.rollouts.commands("earlier").undo == 0
    shutil.rmtree(workspace.rollouts.root / "earlier")
