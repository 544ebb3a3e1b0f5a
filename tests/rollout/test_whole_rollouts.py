"""Whole rollouts by the real runner: real servers, a real Envoy, requests all the time, the real judge."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from console.demo.load import LoadGenerator
from console.operations.forecasts import MatchQuestion
from rollout.evidence import Evidence
from rollout.state import HistoryEntry, Phase, State
from tests.rollout import candidates, file_rollout
from tests.rollout.conftest import MATCHES, RolloutHome
from tests.services.processes import end
from tests.serving.conftest import KICKOFF
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.services]

REQUESTS = 20_000
SECONDS = 240.0
"""Longest wait on a busy machine."""


@contextmanager
def under_load(root: RolloutHome) -> Iterator[LoadGenerator]:
    """Requests as long as the block lasts, to a service that runs already."""
    root.splitter.open(file_rollout.FileVersions(root.folder).champion(file_rollout.MODEL))
    with root.load.running() as load:
        yield load


def champions(root: RolloutHome) -> tuple[str, str]:
    """The champion of the registry, and the stable version of the service."""
    return file_rollout.FileVersions(root.folder).champion(file_rollout.MODEL), root.splitter.servers.table.stable


def weights(state: State) -> list[int]:
    return [entry.weight for entry in state.history if entry.phase is Phase.PROGRESSING]


wait_for = partial(eventually, seconds=SECONDS)


def test_two_rollouts_lose_none_of_twenty_thousand_requests(root: RolloutHome) -> None:
    with under_load(root) as load:
        for version in ("2", "3"):
            candidates.good(root.folder, version)
            root.create(version)
            state = root.run()
            assert state.phase is Phase.PROMOTED, state.reason
            assert weights(state) == [20, 50]
            assert champions(root) == (version, version)
            (root.workspace.rollouts.root / file_rollout.NAME).rename(root.folder / f"rollout-{version}")
        wait_for(lambda: load.requests >= REQUESTS)
    assert not load.failures
    assert set(load.answers) == {"1", "2", "3"}
    assert list(root.splitter.servers.table.ports) == ["3"]


BAD: dict[Callable[[Path, str], None], tuple[Phase, int, str]] = {
    candidates.swaps_sides: (Phase.SHADOW, 0, "predictions"),
    candidates.fails_on_arsenal: (Phase.PROGRESSING, 20, "errors"),
    candidates.answers_nan_on_arsenal: (Phase.PROGRESSING, 20, "errors"),
    candidates.slow: (Phase.PROGRESSING, 20, "latency"),
    candidates.misses_features: (Phase.PROGRESSING, 20, "features incomplete"),
}
"""Candidates with the phase and weight in which they are found out, and the check that does it."""
WITHOUT_ERRORS = (candidates.swaps_sides, candidates.slow, candidates.misses_features)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_a_bad_candidate_is_rolled_back_in_the_first_phase_that_shows_it(
    root: RolloutHome, bad: Callable[[Path, str], None]
) -> None:
    phase, weight, reason = BAD[bad]
    bad(root.folder, "2")
    root.create("2")
    with under_load(root) as load:
        state = root.run()
        before = load.answers["1"]
        wait_for(lambda: load.answers["1"] >= before + 100)
    assert state.phase is Phase.ROLLED_BACK
    assert reason in state.reason
    assert max(weights(state), default=0) == weight
    assert [entry.phase for entry in state.history[-3:]] == [phase, Phase.ROLLING_BACK, Phase.ROLLED_BACK]
    assert any(each["verdict"] == "fail" for each in state.findings)
    assert champions(root) == ("1", "1") and list(root.splitter.servers.table.ports) == ["1"]
    assert all(reason.startswith("50") for reason in load.failures), load.failures
    assert not (load.failures and bad in WITHOUT_ERRORS)


def test_a_candidate_whose_features_are_unknown_never_gets_a_request(root: RolloutHome) -> None:
    candidates.needs_unknown_feature(root.folder, "2")
    root.create("2", readySeconds=12)
    with under_load(root) as load:
        state = root.run()
    assert state.phase is Phase.ROLLED_BACK and "was not ready for 12 s" in state.reason
    assert set(load.answers) == {"1"} and not load.failures


def test_a_candidate_that_is_killed_is_rolled_back_in_the_next_round(root: RolloutHome) -> None:
    candidates.good(root.folder, "2")
    root.create("2", steps=[{"weight": 20, "holdSeconds": 60, "deadlineSeconds": 90}])

    def kill(entry: HistoryEntry) -> None:
        if entry.phase is Phase.PROGRESSING:
            record = json.loads((root.service / "server-2.pid.json").read_text())
            os.kill(record["pid"], signal.SIGKILL)

    with under_load(root):
        state = root.run(kill)
    assert state.phase is Phase.ROLLED_BACK and "does not answer any more" in state.reason
    assert champions(root) == ("1", "1")


def test_a_promoted_server_that_is_killed_in_its_bake_gives_place_to_the_last_champion(root: RolloutHome) -> None:
    candidates.good(root.folder, "2")
    root.create("2", bakeSeconds=600)

    def kill(entry: HistoryEntry) -> None:
        if entry.phase is Phase.BAKING:
            wait_for(lambda: list(root.splitter.servers.table.ports) == ["2"])
            record = json.loads((root.service / "server-2.pid.json").read_text())
            os.kill(record["pid"], signal.SIGKILL)

    with under_load(root) as load:
        state = root.run(kill)
        before = load.answers["1"]
        wait_for(lambda: load.answers["1"] >= before + 100)
    assert state.phase is Phase.ROLLED_BACK and "its server ended" in state.reason
    assert [entry.phase for entry in state.history[-4:]] == [
        *(Phase.BAKING, Phase.PROMOTING, Phase.ROLLING_BACK, Phase.ROLLED_BACK)
    ]
    assert champions(root) == ("1", "1") and list(root.splitter.servers.table.ports) == ["1"]


def test_errors_that_only_the_bake_shows_take_a_promotion_back(root: RolloutHome) -> None:
    """Nobody asks for Arsenal before the promotion."""
    candidates.fails_on_arsenal(root.folder, "2")
    root.create("2", bakeSeconds=600)
    asked = [
        [MatchQuestion(*match, KICKOFF) for match in MATCHES if ("ARS" in match) == late] for late in (False, True)
    ]
    calm, arsenal = (
        LoadGenerator("127.0.0.1", root.port, each, threads) for each, threads in zip(asked, (4, 16), strict=True)
    )
    root.splitter.open("1")
    with ExitStack() as load:
        load.enter_context(calm.running())

        def ask_more(entry: HistoryEntry) -> None:
            if entry.phase is Phase.BAKING:
                load.close()
                load.enter_context(arsenal.running())

        state = root.run(ask_more)
    assert state.phase is Phase.ROLLED_BACK, state.reason
    assert state.reason.startswith("after its promotion: errors recent: the rate of requests not answered rose: ")
    assert champions(root) == ("1", "1") and list(root.splitter.servers.table.ports) == ["1"]


def position(state: State) -> tuple[Any, ...]:
    return (state.phase, state.step, state.stage)


def test_a_runner_killed_at_every_transition_ends_as_it_would_have(root: RolloutHome) -> None:
    candidates.good(root.folder, "2")
    root.create("2")
    command = [sys.executable, "-m", "tests.rollout.file_rollout", str(root.folder), str(root.port)]
    killed: list[tuple[Any, ...]] = []
    opened: dict[int, float] = {}
    with under_load(root) as load:
        envoy = (root.service / "envoy.pid.json").read_text()
        deadline = time.monotonic() + SECONDS
        while not root.state().ended:
            process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
            try:
                while process.poll() is None and ((now := root.state()).ended or position(now) in killed):
                    check_window(opened, now)
                    assert time.monotonic() < deadline
                    time.sleep(0.005)
                now = root.state()
                if position(now) not in killed and not now.ended:
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(position(now))
            finally:
                end(process)
    state = root.state()
    assert state.phase is Phase.PROMOTED, state.reason
    assert {phase for phase, *_ in killed} >= {Phase.PENDING, Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING}
    assert [entry.phase for entry in state.history] == [
        *(Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING, Phase.PROGRESSING, Phase.PROMOTING, Phase.PROMOTED)
    ]
    assert champions(root) == ("2", "2") and list(root.splitter.servers.table.ports) == ["2"]
    assert (root.service / "envoy.pid.json").read_text() == envoy
    assert not load.failures


def check_window(opened: dict[int, float], state: State) -> None:
    """A window is opened once, whichever process reads it."""
    evidence = Evidence.from_text(state.evidence)
    if state.phase is Phase.PROGRESSING and evidence.opened is not None:
        assert opened.setdefault(state.step, evidence.opened) == evidence.opened
