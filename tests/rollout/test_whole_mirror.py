"""Whole rollouts whose shadow step copies users' requests: what replayed rows do not show fails before traffic."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from rollout.embedded import envoy_config
from rollout.state import Phase
from tests.rollout import candidates, file_rollout
from tests.rollout.conftest import GIVEN, RolloutHome
from tests.rollout.test_whole_rollouts import champions, under_load, weights
from tests.services.processes import end
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.services]

MIRRORED = {"shadow": GIVEN["shadow"] | {"mirror": 100, "deadlineSeconds": 200}}
PATIENT = GIVEN["limits"] | {"latency": 100.0}
"""For candidates that err: a busy machine may make them slow as well, which would be found first."""
wait_for = partial(eventually, seconds=240.0)


def copies(root: RolloutHome) -> bool:
    """Whether Envoy is told to copy requests."""
    return "request_mirror_policies" in (root.service / envoy_config.ROUTES_FILE).read_text()


@pytest.mark.parametrize(
    ("bad", "measure", "limits"),
    [
        (candidates.fails_on_arsenal, "replay errors", PATIENT),
        (candidates.answers_nan_on_arsenal, "replay errors", PATIENT),
        # Its copies wait for no answer, so they pile up until it refuses some.
        (candidates.slow, "replay", GIVEN["limits"]),
    ],
)
def test_a_candidate_that_fails_on_what_users_ask_never_answers_one(
    root: RolloutHome, bad: Callable[[Path, str], None], measure: str, limits: Mapping[str, object]
) -> None:
    bad(root.folder, "2")
    root.create("2", **MIRRORED, limits=limits)
    with under_load(root) as load:
        state = root.run()
    assert [entry.phase for entry in state.history[-3:]] == [Phase.SHADOW, Phase.ROLLING_BACK, Phase.ROLLED_BACK]
    assert state.reason.startswith(measure) and "of mirrored requests" in state.reason
    assert set(load.answers) == {"1"} and not load.failures
    assert not copies(root) and champions(root) == ("1", "1")


def test_a_good_candidate_is_promoted_whoever_carries_the_shadow_on(root: RolloutHome) -> None:
    candidates.good(root.folder, "2")
    root.create("2", **MIRRORED)
    command = [sys.executable, "-m", "tests.rollout.file_rollout", str(root.folder), str(root.port)]
    with under_load(root) as load:
        process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: copies(root))
            os.kill(process.pid, signal.SIGKILL)
        finally:
            end(process)
        assert root.state().phase is Phase.SHADOW and set(load.answers) == {"1"}
        state = root.run()
    assert state.phase is Phase.PROMOTED, state.reason
    assert weights(state) == [20, 50] and not load.failures
    assert not copies(root) and champions(root) == ("2", "2")
    assert file_rollout.SERVICE in root.workspace.services()
