"""A `.matchday/` folder of before schema 2 of bundles and format 2 of the lake is read, or refused with what to do.

Each room tests its own old files; here the commands meet them. The files are written by hand, as commit 3b9982d did.
"""

import json
from pathlib import Path

import pytest

from tests.console.conftest import RunCommand

FINDING = {
    "check": "errors",
    "measure": "",
    "verdict": "fail",
    "reason": "errors: 100.00% of requests not answered",
    "n": 28,
    "estimate": 1.0,
    "interval": [0.23, None],
    "limit": 0.08,
    "margin": 0.0,
    "blocks": True,
}
ENTRIES = [
    {"time": 1764376269.0, "phase": "Starting", "weight": 0, "attempt": 1, "reason": "version 3 beside version 1"},
    {"time": 1764376275.0, "phase": "RolledBack", "weight": 0, "attempt": 1, "reason": "errors", "findings": [FINDING]},
]
STATE = {
    "phase": "RolledBack",
    "step": 0,
    "weight": 0,
    "gate": "",
    "paused": False,
    "attempt": 1,
    "stableVersion": "1",
    "candidateVersion": "3",
    "stage": None,
    "since": 1764376275.0,
    "silentSince": 0.0,
    "tick": 1764376275.0,
    "verdict": "fail",
    "reason": "errors: 100.00% of requests not answered",
    "problem": "",
    "findings": [],
    "evidence": "",
    "history": ENTRIES,
}
SPEC = {"inferenceService": "match-outcome", "model": "match-outcome", "candidate": "3", "steps": [{"weight": 5}]}


@pytest.fixture
def old_rollout(home: Path) -> Path:
    """The folder of a rollout that was rolled back."""
    folder = home / "rollouts" / "erring"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps(SPEC))
    (folder / "state.json").write_text(json.dumps({"revision": 6, "state": STATE}))
    return folder


def test_an_old_rollout_is_listed_described_and_explained(matchday: RunCommand, old_rollout: Path) -> None:
    assert "RolledBack" in matchday("rollout", "list").stdout
    assert "candidate  version 3 of match-outcome beside version 1" in matchday("rollout", "status", "erring").stdout
    assert len(matchday("rollout", "history", "erring").stdout.splitlines()) == len(ENTRIES)
    assert "errors" in matchday("rollout", "explain", "erring").stdout
    assert "has ended" in matchday("rollout", "abort", "erring").refusal
    assert "is tried again" in matchday("rollout", "retry", "erring").stdout


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *((command, "state.json") for command in ("status", "history", "explain", "retry", "abort")),
        *((command, "spec.json") for command in ("status", "retry")),
    ],
)
def test_an_old_rollout_that_cannot_be_read_is_refused_by_its_file(
    matchday: RunCommand, old_rollout: Path, command: str, name: str
) -> None:
    (old_rollout / name).write_text('{"steps": "of another release", "state": {"phase": "Gone"}, "revision": 1}')
    refusal = matchday("rollout", command, "erring").refusal
    assert str(old_rollout) in refusal
    assert "delete" in refusal
    assert not (old_rollout / "requests.json").exists()


def test_the_past_of_a_rollout_is_shown_though_its_spec_cannot_be_read(matchday: RunCommand, old_rollout: Path) -> None:
    (old_rollout / "spec.json").write_text('{"steps": "of another release"}')
    assert "RolledBack" in matchday("rollout", "history", "erring").stdout
    assert "errors" in matchday("rollout", "explain", "erring").stdout


def test_a_registry_that_is_none_is_refused_with_what_to_do(matchday: RunCommand, home: Path) -> None:
    database = home / "mlflow" / "mlflow.db"
    database.parent.mkdir(parents=True)
    database.write_text("no database")
    for command in (("model", "list"), ("serve",)):
        refusal = matchday(*command).refusal
        assert f"{database} is no SQLite database: move it away" in refusal
