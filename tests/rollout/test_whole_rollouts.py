"""Whole rollouts with real servers, a real Envoy, real requests all the time, and the real judge."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.demo.load import LoadGenerator
from rollout.evidence import Evidence
from rollout.state import Phase, State
from tests.rollout import candidates, file_rollout
from tests.rollout.conftest import Root
from tests.services.processes import end

pytestmark = [pytest.mark.slow, pytest.mark.services]

REQUESTS = 20_000


@contextmanager
def asking(root: Root) -> Iterator[LoadGenerator]:
    """People who ask as long as the block lasts, of a service that is there already."""
    root.splitter.open(file_rollout.FileVersions(root.folder).champion("match-outcome"))
    with root.crowd.running() as crowd:
        yield crowd


def champion(root: Root) -> tuple[str, str]:
    """Of the registry, and of the service."""
    return file_rollout.FileVersions(root.folder).champion("match-outcome"), root.splitter.servers.roster.stable


def weights(state: State) -> list[int]:
    return [entry.weight for entry in state.history if entry.phase is Phase.PROGRESSING]


def test_twenty_thousand_requests_through_two_rollouts_and_none_is_lost(root: Root) -> None:
    with asking(root) as crowd:
        for version in ("2", "3"):
            candidates.good(root.folder, version)
            root.ask(version)
            state = root.carry_out()
            assert state.phase is Phase.PROMOTED, state.reason
            assert weights(state) == [20, 50]
            assert champion(root) == (version, version)
            (root.rollouts.root / file_rollout.NAME).rename(root.folder / f"rollout-{version}")
        while crowd.requests < REQUESTS:
            time.sleep(0.1)
    assert not crowd.failures
    assert set(crowd.answers) == {"1", "2", "3"}
    assert list(root.splitter.servers.roster.ports) == ["3"]


SPOILED: dict[Callable[[Path, str], None], tuple[Phase, int, str]] = {
    candidates.turned: (Phase.SHADOW, 0, "predictions"),
    candidates.errs: (Phase.PROGRESSING, 20, "errors"),
    candidates.answers_nan: (Phase.PROGRESSING, 20, "errors"),
    candidates.slow: (Phase.PROGRESSING, 20, "latency"),
    candidates.misses_features: (Phase.PROGRESSING, 20, "features incomplete"),
}


@pytest.mark.parametrize("spoiled", SPOILED, ids=lambda spoiled: spoiled.__name__)
def test_a_spoiled_candidate_is_taken_back_where_it_first_shows(
    root: Root, spoiled: Callable[[Path, str], None]
) -> None:
    phase, weight, said = SPOILED[spoiled]
    spoiled(root.folder, "2")
    root.ask("2")
    with asking(root) as crowd:
        state = root.carry_out()
        before = crowd.answers["1"]
        while crowd.answers["1"] < before + 100:
            time.sleep(0.02)
    assert state.phase is Phase.ROLLED_BACK
    assert said in state.reason
    assert max(weights(state), default=0) == weight
    assert state.history[-2].phase is Phase.ROLLING_BACK
    assert [entry.phase for entry in state.history][-3] is phase
    assert any(each["verdict"] == "fail" for each in state.findings)
    assert champion(root) == ("1", "1") and list(root.splitter.servers.roster.ports) == ["1"]
    assert all(reason.startswith("50") for reason in crowd.failures), crowd.failures
    assert not (crowd.failures and spoiled in (candidates.turned, candidates.slow, candidates.misses_features))


def test_a_candidate_whose_features_are_not_there_never_gets_a_request(root: Root) -> None:
    candidates.asks_for_what_is_not_there(root.folder, "2")
    root.ask("2", readySeconds=12)
    with asking(root) as crowd:
        state = root.carry_out()
    assert state.phase is Phase.ROLLED_BACK and "was not ready for 12 s" in state.reason and "luck" in state.reason
    assert set(crowd.answers) == {"1"} and not crowd.failures


def test_a_candidate_that_dies_is_taken_back_at_the_next_look(root: Root) -> None:
    candidates.good(root.folder, "2")
    root.ask("2", steps=[{"weight": 20, "holdSeconds": 60, "deadlineSeconds": 90}])

    def kill(entry: Any) -> None:
        if entry.phase is Phase.PROGRESSING:
            noted = json.loads((root.folder / "service" / "server-2.pid.json").read_text())
            os.kill(noted["pid"], signal.SIGKILL)

    with asking(root):
        state = root.carry_out(kill)
    assert state.phase is Phase.ROLLED_BACK and "does not answer any more" in state.reason
    assert champion(root) == ("1", "1")


def transition(state: State) -> tuple[Any, ...]:
    return (state.phase, state.step, state.stage)


def kept(root: Root) -> State:
    return root.rollouts.state(file_rollout.NAME)


def test_killed_at_every_transition_it_is_resumed_and_ends_as_it_would_have(root: Root) -> None:
    candidates.good(root.folder, "2")
    root.ask("2")
    command = [sys.executable, "-m", "tests.rollout.file_rollout", str(root.folder), str(root.port)]
    killed: list[tuple[Any, ...]] = []
    opened: dict[int, float] = {}
    with asking(root) as crowd:
        envoy = (root.folder / "service" / "envoy.pid.json").read_text()
        deadline = time.monotonic() + 240
        while not kept(root).ended:
            process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
            try:
                while process.poll() is None and ((now := kept(root)).ended or transition(now) in killed):
                    remember(opened, now)
                    assert time.monotonic() < deadline
                    time.sleep(0.005)
                now = kept(root)
                if transition(now) not in killed and not now.ended:
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(transition(now))
            finally:
                end(process)
    state = kept(root)
    assert state.phase is Phase.PROMOTED, state.reason
    assert {phase for phase, *_ in killed} >= {Phase.PENDING, Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING}
    assert [entry.phase for entry in state.history] == [
        *(Phase.STARTING, Phase.SHADOW, Phase.PROGRESSING, Phase.PROGRESSING, Phase.PROMOTING, Phase.PROMOTED)
    ]
    assert champion(root) == ("2", "2") and list(root.splitter.servers.roster.ports) == ["2"]
    assert (root.folder / "service" / "envoy.pid.json").read_text() == envoy
    assert not crowd.failures


def remember(opened: dict[int, float], state: State) -> None:
    """A window is opened once, whoever looks."""
    evidence = Evidence.unpacked(state.evidence)
    if state.phase is Phase.PROGRESSING and evidence.opened is not None:
        assert opened.setdefault(state.step, evidence.opened) == evidence.opened
