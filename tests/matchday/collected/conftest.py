"""Fixtures of tests that update."""

from pathlib import Path

import pytest

from matchday.sources.snapshot import Snapshot
from tests.matchday.collected.machine import Machine, small_history


@pytest.fixture(scope="session")
def small_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The first rows of 2025/26 as a bundled history."""
    return small_history(tmp_path_factory.mktemp("data"))


@pytest.fixture
def machine(tmp_path: Path, small_snapshot: Snapshot) -> Machine:
    """A machine that never updated."""
    return Machine(tmp_path, small_snapshot)
